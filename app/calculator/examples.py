"""What each statistic answers to its example: kept beside the code, and replayed by a test.

`.venv/bin/python -m tests.docs.statistics_examples` writes it anew, with the document.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).with_name("answers.json")


@cache
def answers() -> Mapping[str, Any]:
    """The answers, by name."""
    found: Mapping[str, Any] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found
