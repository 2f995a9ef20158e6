"""Cells copied from a spreadsheet, put into rows of a draft."""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.datasets import draft_repository, drafts, grid
from app.datasets.cells import Values, typed, typed_anew, value_at, with_values
from app.datasets.draft_repository import Filter
from app.datasets.drafts import MOST_AT_ONCE, RowEdit
from app.datasets.models import DatasetDraft
from app.datasets.rows import Destination
from app.datasets.schemas import DatapointContent

_CELL = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^\t\r\n]*+))(\t|\r\n|\r|\n|\Z)')
"""A cell and what ends it. A quote that is not closed before such an end is one that somebody wrote."""


def read_cells(text: str) -> list[list[str]]:
    """The cells of a copied range: lines of cells with tabs between them, in quotes where a cell has lines of its own.

    Raises:
        Invalid: they are too many lines.
    """
    lines, line = list[list[str]](), list[str]()
    for found in _CELL.finditer(text):
        quoted, plain, end = found.groups()
        if found.start() == len(text) and not line:
            break  # behind the end of the last line
        line.append(plain if quoted is None else quoted.replace('""', '"'))
        if end != "\t":
            lines.append(line)
            line = []
        if not end:
            break
    if len(lines) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE:,} rows are pasted at once: import a file for more.")
    return lines


def paste(
    session: Session,
    draft: DatasetDraft,
    lines: Sequence[Sequence[str]],
    row_ids: Sequence[str],
    places: Sequence[Destination],
) -> tuple[int, int]:
    """Put lines of cells into these rows and places of a draft that is locked; lines beyond become added rows.

    How many rows were written, and how many added.

    Raises:
        Invalid: there are more cells in a line than places, or a cell does not fit its place. Nothing is changed then.
        NotFound: the draft has no such row.
    """
    widest = max((len(line) for line in lines), default=0)
    if widest > len(places):
        columns = "one column stands" if len(places) == 1 else f"{len(places)} columns stand"
        raise Invalid(
            f"You pasted {widest} columns, and only {columns} from that cell on. Nothing was changed: "
            "paste further to the left, or fewer columns."
        )
    here, beyond = lines[: len(row_ids)], lines[len(row_ids) :]
    wanted = Filter(row_ids=row_ids[: len(here)])
    found = {row.row_id: row for row in draft_repository.list_rows(session, draft, wanted, limit=len(here))}
    like = grid.examples(session, draft, places)
    edits = []
    for row_id, line in zip(row_ids, here, strict=False):
        row = found.get(row_id)
        said = {place: value_at(row.content, row.split, place) if row else None for place in places}
        edits.append(RowEdit(row_id, _values(line, places, said, like)))
    drafts.edit(session, draft, edits)
    drafts.add(session, draft, [_new(line, places, like) for line in beyond])
    return len(here), len(beyond)


def _values(line: Sequence[str], places: Sequence[Destination], said: Values, like: Values) -> Values:
    values = {}
    for place, text in zip(places, line, strict=False):
        was = said.get(place)
        values[place] = typed_anew(like[place], text, place) if was in (None, "") else typed(was, text, place)
    return values


def _new(line: Sequence[str], places: Sequence[Destination], like: Values) -> DatapointContent:
    content, split = with_values({}, None, _values(line, places, {}, like))
    return DatapointContent.model_validate({**content, "split": split})
