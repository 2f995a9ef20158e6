"""What is kept of what a judge was sent, so that its log shows what it saw."""

from collections.abc import Mapping, Sequence
from typing import Any

MOST_KEPT = 50_000
"""Characters of one call: a judge may be sent megabytes for each row, and each vote."""
_NAMES = frozenset({"role", "name", "tool_call_id"})
"""What of a message is no text: half of it would mean nothing, or something else."""
_AN_ADDRESS = 2_000
"""Characters that the address of an image, or whatever else is no text, may have at no cost: it is kept as it is."""


def as_kept(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages, of whose texts so many characters are kept; one that is cut says how many are missing. In place of an
    image that there is no room for stands a text that says so."""
    room = _Room()
    return [{name: room.member(name, value) for name, value in message.items()} for message in messages]


class _Room:
    """How many characters there is room for."""

    def __init__(self) -> None:
        self._left = MOST_KEPT

    def member(self, name: str, value: Any) -> Any:
        """A member of a message."""
        if isinstance(value, str):
            return value if name in _NAMES else self._text(value)
        if not isinstance(value, list | tuple):
            return value
        return [self._call(each) if name == "tool_calls" else self._part(each) for each in value]

    def _text(self, text: str) -> str:
        taken = text[: self._left]
        self._left -= len(taken)
        missing = len(text) - len(taken)
        return f"{taken}… ({missing:,} more character{'' if missing == 1 else 's'})" if missing else taken

    def _part(self, part: Any) -> Any:
        if isinstance(part, str):
            return self._text(part)
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            return {**part, "text": self._text(part["text"])}
        size = _characters(part)
        if size <= _AN_ADDRESS:
            return part
        if size > self._left:
            what = "image" if isinstance(part, Mapping) and part.get("type") == "image_url" else "part"
            return {
                "type": "text",
                "text": f"… ({'an' if what == 'image' else 'a'} {what} of {size:,} characters)",
            }
        self._left -= size
        return part

    def _call(self, call: Any) -> Any:
        called = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(called, Mapping) or not isinstance(called.get("arguments"), str):
            return call
        return {**call, "function": {**called, "arguments": self._text(called["arguments"])}}


def _characters(value: Any) -> int:
    """Of all texts inside."""
    if isinstance(value, Mapping):
        return sum(map(_characters, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_characters, value))
    return len(value) if isinstance(value, str) else 0
