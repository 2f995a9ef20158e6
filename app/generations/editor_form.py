"""The editor's form as it comes from a browser, whichever of its buttons sent it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from app.core import request_bodies
from app.core.typed import whole
from app.generations.conversing import Going
from app.generations.draft import Draft, read_draft
from app.generations.drafts import Mark
from app.generations.editing import Chosen

_LONGEST_MARK = 100
_RESULT = "result."
_TURN_DIGITS = 16
"""Milliseconds since 1970 have 13."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The editor's form as it came."""

    draft: Draft
    chosen: Chosen
    action: str
    side: str = "draft"
    """Which of the answers is asked for (`panes.sides_of`)."""
    sample: int = 1
    """Which answer of the side, from 1."""
    mark: Mark = field(default_factory=Mark)
    """Which page sent it, and which saving of the draft it has seen last."""
    going: Going | None = None
    """The answer whose calls of tools are answered."""
    results: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """What was typed as the results of calls, by the log that made them and the place."""
    call: tuple[str, int] | None = None
    """The call whose result is asked of its tool."""
    by_itself: bool = False
    """Whether the page asked for it, and nobody pressed a button."""

    def results_of(self, log_id: str) -> dict[int, str]:
        """Those of the calls of one answer."""
        return {place: text for (each, place), text in self.results.items() if each == log_id}


async def read_form(request: Request) -> Sent:
    """The editor's form, whichever button sent it."""
    form = await request_bodies.read_form(request)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    one = dict(pairs)
    action = one.get("action", "")
    verb, _, detail = action.partition(":")
    row = detail if verb == "row" else one.get("row", "")
    base = one.get("base", "")
    chosen = Chosen(
        base=whole(base),
        dataset=one.get("dataset"),
        row=whole(row) or 1,
    )
    turn = whole(one.get("turn", ""), digits=_TURN_DIGITS) or 0
    mark = Mark(_drawn(one.get("tab", "")), _drawn(one.get("revision", "")), turn)
    side, _, rest = one.get("after", "").partition(":")
    log_id, _, name = rest.partition(":")
    return Sent(
        read_draft(pairs),
        chosen,
        action,
        side=one.get("side", "draft"),
        sample=whole(one.get("sample", "")) or 1,
        mark=mark,
        going=Going(side, log_id, name) if log_id else None,
        results={
            call: text.replace("\r\n", "\n")
            for key, text in pairs
            if key.startswith(_RESULT) and (call := _call(key.removeprefix(_RESULT)))
        },
        call=_call(one.get("call", "")),
        by_itself=one.get("by_itself") == "1",
    )


def _call(text: str) -> tuple[str, int] | None:
    """A call by the log that made it and its place there: `log_1.0`."""
    log_id, _, place = text.rpartition(".")
    number = whole(place)
    return None if number is None or not log_id else (log_id, number)


def _drawn(text: str) -> str:
    """What the server drew for the form; nothing where it is something else."""
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= _LONGEST_MARK else ""


SentForm = Annotated[Sent, Depends(read_form)]
