"""Passages of an output that somebody marked, with a note: how a judgment keeps them, and reading them back. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SPANS = "spans"
"""The member of a judgment's detail in which they stand."""
MOST = 50
"""Of one answer."""
LONGEST_QUOTE = 2_000
LONGEST_NOTE = 2_000
LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of an output, and what somebody notes of it."""

    start: int
    """The first character, from 0, counted in code points."""
    end: int
    """Behind the last one."""
    quote: str
    note: str
    label: str

    def kept(self) -> dict[str, Any]:
        """As a judgment's detail has it."""
        return asdict(self)


def passages_of(detail: Any) -> list[Passage]:
    """The passages in the detail of a judgment; what is none (judgments are imported, too) is left out."""
    found = detail.get(SPANS) if isinstance(detail, Mapping) else None
    passages = [_passage(one) for one in found[:MOST]] if isinstance(found, list) else []
    return [one for one in passages if one]


def _passage(one: object) -> Passage | None:
    if not isinstance(one, Mapping):
        return None
    start, end, quote = one.get("start"), one.get("end"), one.get("quote")
    if type(start) is not int or type(end) is not int or not isinstance(quote, str):
        return None
    if not 0 <= start < end:
        return None
    said = [one.get(name) for name in ("note", "label")]
    note, label = (value if isinstance(value, str) else "" for value in said)
    return Passage(start, end, quote[:LONGEST_QUOTE], note[:LONGEST_NOTE], label[:LONGEST_LABEL])
