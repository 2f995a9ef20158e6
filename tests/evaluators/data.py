"""Real rows to judge, from tests/data."""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"


def rows_of(path: str) -> list[dict[str, Any]]:
    """The rows of a file in tests/data."""
    return [json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").splitlines()]
