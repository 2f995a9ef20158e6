"""What people said in a queue as targets of a dataset's rows: what would be written, what is left out and why, and writing it.

A row is known by its content: where somebody has changed it since, what people said was of another row.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Principal
from app.core.errors import Invalid
from app.datasets import draft_repository
from app.datasets import repository as datasets
from app.datasets.cells import text_of, typed, value_at
from app.datasets.draft_repository import DraftRow, Filter
from app.datasets.models import DatasetDraft
from app.datasets.rows import Destination
from app.files.models import File
from app.logs.presentation import judgment_value
from app.logs.repository import FINAL
from app.review import repository, targets_repository
from app.review.agreement import label
from app.review.fields import Field, Value
from app.review.models import ReviewQueue

Reason = Literal[
    "unseen", "no_row", "other_dataset", "disputed", "gone", "changed", "removed", "same", "unfit"
]
REASONS: Mapping[Reason, str] = {
    "unseen": "you have not answered it yet: what others said must not sway you",
    "disputed": "people differ, and nobody has given a final answer",
    "no_row": "its output is of no row of a dataset",
    "other_dataset": "its row is of another dataset",
    "gone": "the dataset has its row no more",
    "changed": "its row was changed since",
    "removed": "your draft removes its row",
    "unfit": "the target holds something that this cannot be",
    "same": "its row says so already",
}
"""Why an item comes to no target."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What becomes a target, and where it is written."""

    file: File
    """The dataset."""
    field: Field | None
    """The question whose answers are written; None: the outputs that people would have given."""
    member: str
    """Of the target."""

    @property
    def place(self) -> Destination:
        """Where it is written in a row."""
        return Destination("target", self.member)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A target that would be written into a row."""

    row: DraftRow
    """Of what it says, its target alone."""
    positions: Sequence[int]
    """The items that say so."""
    authors: Sequence[str]
    """Who says so: people's ids, or `FINAL`."""
    old: object
    new: object

    @property
    def mark(self) -> str:
        """A short mark of both: by it, who wants it written says what they saw."""
        return ids.content_hash(ids.canonical_json([self.old, self.new]))[:16]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An item of which something was said that is no target."""

    position: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a queue comes to for a dataset."""

    proposals: Sequence[Proposal]
    """In the order of the rows."""
    left_out: Sequence[LeftOut]
    silent: int
    """Items of which nothing was said that could be a target."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What an item is said to be, or all items of a row."""

    value: Value
    authors: Sequence[str]
    positions: Sequence[int]


def propose(
    session: Session, principal: Principal, queue: ReviewQueue, wanted: Wanted, draft: DatasetDraft
) -> Proposed:
    """What would be written into the rows of a draft, which is the principal's, or what one would be."""
    rows_of = targets_repository.rows_of_items(session, queue.id)
    told = _values(session, queue, wanted.field) if wanted.field else _corrections(session, queue)
    unseen = repository.open_positions(session, queue, principal.user_id)
    left: list[LeftOut] = []
    by_row: dict[str, list[_Said]] = {}
    for position, sayings in told.items():
        row_id = rows_of.get(position)
        if position in unseen:
            left.append(LeftOut(position, "unseen"))
        elif row_id is None:
            left.append(LeftOut(position, "no_row"))
        elif said := _decided(sayings, position):
            by_row.setdefault(row_id, []).append(said)
        else:
            left.append(LeftOut(position, "disputed"))
    proposals, more = _of_rows(session, wanted, draft, by_row)
    left += more
    proposals.sort(key=lambda one: one.row.position or 0)
    left.sort(key=lambda one: one.position)
    return Proposed(proposals, left, len(rows_of) - len(told))


def _of_rows(
    session: Session, wanted: Wanted, draft: DatasetDraft, by_row: Mapping[str, Sequence[_Said]]
) -> tuple[list[Proposal], list[LeftOut]]:
    wanted_rows = Filter(row_ids=[*by_row])
    found = {
        row.row_id: row
        for row in draft_repository.list_rows(
            session, draft, wanted_rows, limit=len(by_row) or 1, targets_alone=True
        )
    }
    missing = [row_id for row_id in by_row if row_id not in found]
    known = datasets.list_had(session, wanted.file.id, missing)
    now = _successors(session, wanted, missing)
    proposals: list[Proposal] = []
    left: list[LeftOut] = []
    for row_id, sayings in by_row.items():
        said, row = _same(sayings), found.get(row_id)
        if row is not None and said is not None:
            made = _proposal(row, wanted, said)
            if isinstance(made, Proposal):
                proposals.append(made)
                continue
            reason: Reason = made
        elif row is None:
            reason = _why_missing(row_id, wanted, said, known, now)
        else:
            reason = "disputed"
        left += [LeftOut(position, reason) for one in sayings for position in one.positions]
    return proposals, left


def _same(sayings: Sequence[_Said]) -> _Said | None:
    """What several items of a row say, where it is the same."""
    if len(sayings) == 1:
        return sayings[0]
    if len({label(one.value) for one in sayings}) != 1:
        return None
    authors = dict.fromkeys(author for one in sayings for author in one.authors)
    return _Said(sayings[0].value, [*authors], [position for one in sayings for position in one.positions])


def _why_missing(
    row_id: str, wanted: Wanted, said: _Said | None, known: set[str], now: Mapping[str, object]
) -> Reason:
    if row_id not in known:
        return "other_dataset"
    if row_id not in now:
        return "gone"
    return "same" if said and now[row_id] == _fitting(now[row_id], said.value, wanted.place) else "changed"


def _proposal(row: DraftRow, wanted: Wanted, said: _Said) -> Proposal | Reason:
    if row.removed:
        return "removed"
    old = value_at(row.content, row.split, wanted.place)
    new = _fitting(old, said.value, wanted.place)
    if new is None:
        return "unfit"
    return "same" if old == new else Proposal(row, said.positions, said.authors, old, new)


def _fitting(old: object, value: Value, place: Destination) -> object:
    """What was said as the kind of value that stood there; None where it cannot be."""
    if old is None or (not isinstance(value, str) and type(old) is type(value)):
        return value
    try:
        return typed(old, _text_of(value), place)
    except Invalid:
        return None


def _text_of(value: Value) -> str:
    return text_of(value) if isinstance(value, list | str) else _text_of_one(value)


@lru_cache(maxsize=1_000, typed=True)
def _text_of_one(value: bool | float) -> str:
    """Answers are few, and thousands of rows have the same."""
    return text_of(value)


def _successors(session: Session, wanted: Wanted, row_ids: Sequence[str]) -> dict[str, object]:
    """What the rows that stand in the places of others say now."""
    now = datasets.list_successors(session, wanted.file.id, row_ids)
    found = datasets.find_datapoints(session, wanted.file.workspace_id, [*now.values()])
    return {
        row_id: (found[new_id].target or {}).get(wanted.member)
        for row_id, new_id in now.items()
        if new_id in found
    }


def _decided(sayings: Sequence[tuple[str, Value]], position: int) -> _Said | None:
    """What is said of an item, where all say the same, or a final answer was given; None where people differ."""
    finals = [one for one in sayings if one[0] == FINAL]
    counted = finals or sayings
    kinds: set[Hashable] = {label(value) for _, value in counted}
    if len(kinds) != 1:
        return None
    return _Said(counted[0][1], list(dict.fromkeys(author for author, _ in counted)), [position])


def _corrections(session: Session, queue: ReviewQueue) -> dict[int, list[tuple[str, Value]]]:
    found: dict[int, list[tuple[str, Value]]] = {}
    for one in targets_repository.list_corrections(session, queue.id):
        found.setdefault(one.position, []).append((one.author, one.output))
    return found


def _values(session: Session, queue: ReviewQueue, field: Field) -> dict[int, list[tuple[str, Value]]]:
    """What was answered to a question, final answers among it; whoever cannot tell says nothing."""
    found: dict[int, list[tuple[str, Value]]] = {}
    for one in repository.list_answers(session, queue.id):
        if one.said.evaluator_version_id == field.version.id and not one.said.is_missing:
            value = judgment_value(one.said)
            if value is not None:
                found.setdefault(one.position, []).append((one.user_id, value))
    for (position, version_id), judgment in repository.list_finals(session, queue.id).items():
        value = judgment_value(judgment)
        if version_id == field.version.id and value is not None:
            found.setdefault(position, []).append((FINAL, value))
    return dict(sorted(found.items()))
