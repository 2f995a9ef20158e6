"""The forms of the grid as they come from a browser, whichever of their buttons sent them."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request

from app.core import request_bodies
from app.core.typed import whole
from app.datasets.grid import Shown, only_of


@dataclass(frozen=True, slots=True)
class Sent:
    """A form of the grid."""

    one: dict[str, str]
    """Each field that stands once."""
    rows: list[str]
    """Rows that are chosen, or that stand from the cell on into which somebody pastes."""
    places: list[str]
    """The columns from that cell on."""
    asked: Shown
    """Which rows the page showed."""


async def read_form(request: Request) -> Sent:
    """The form, whichever button sent it."""
    form = await request_bodies.read_form(request)
    pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    one = dict(pairs)
    asked = Shown(
        None,
        one.get("q", "").strip(),
        one.get("in_split", ""),
        one.get("changed") == "1",
        whole(one.get("page", "")) or 1,
        only_of(one.get("only", "")),
    )
    rows = [value for name, value in pairs if name == "row"]
    return Sent(one, rows, [value for name, value in pairs if name == "place"], asked)


SentForm = Annotated[Sent, Depends(read_form)]


def query_of(asked: Shown) -> str:
    """The part of an address that shows these rows."""
    given = {
        "q": asked.query,
        "split": asked.split,
        "changed": "1" if asked.changed else "",
        "only": asked.only,
        "page": str(asked.page) if asked.page > 1 else "",
    }
    kept = urlencode({name: value for name, value in given.items() if value})
    return f"?{kept}" if kept else ""
