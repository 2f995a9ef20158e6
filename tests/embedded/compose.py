"""docker-compose.yml as compose reads it."""

import re
from typing import Any

import yaml

from app.embedded.layout import CLONE

FILE = CLONE / "docker-compose.yml"


def read() -> dict[str, Any]:
    """The whole file."""
    return yaml.safe_load(FILE.read_text())


def filled_in(text: str, **env: str) -> str:
    """`text` with what `.env` says in the place of `${NAME:-default}` and `${NAME:?reason}`."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}", lambda found: env.get(found[1], found[2] or ""), text)
