"""The editor's form as it comes from a browser, whichever of its buttons sent it."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from app.core import request_bodies
from app.core.typed import whole
from app.generations.draft import Draft, read_draft
from app.generations.drafts import Mark
from app.generations.editing import Chosen

_LONGEST_MARK = 100
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
    mark: Mark = field(default_factory=Mark)
    """Which page sent it, and which saving of the draft it has seen last."""


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
    return Sent(read_draft(pairs), chosen, action, side=one.get("side", "draft"), mark=mark)


def _drawn(text: str) -> str:
    """What the server drew for the form; nothing where it is something else."""
    return text if text.isascii() and text.replace("_", "").isalnum() and len(text) <= _LONGEST_MARK else ""


SentForm = Annotated[Sent, Depends(read_form)]
