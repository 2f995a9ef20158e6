"""What is kept of what a judge was sent, so that its log shows what it saw."""

from collections.abc import Mapping, Sequence
from typing import Any

MOST_KEPT = 50_000
"""Characters of one call: a judge may be sent megabytes for each row, and each vote."""


def as_kept(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages, of which so many characters are kept; a text that is cut says how many are missing."""
    left = MOST_KEPT

    def cut(value: Any) -> Any:
        nonlocal left
        if isinstance(value, Mapping):
            return {name: cut(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [cut(each) for each in value]
        if not isinstance(value, str):
            return value
        half = value.startswith("data:") and len(value) > left  # of an image nothing is drawn
        taken = "" if half else value[:left]
        left -= len(taken)
        missing = len(value) - len(taken)
        return f"{taken}… ({missing:,} more character{'' if missing == 1 else 's'})" if missing else taken

    return [cut(message) for message in messages]
