"""Drafts of datasets: what one person changes, row by row, until it is committed as a version or thrown away.

Whoever writes a cell may say what they saw in it: where another tab has written something else since, nothing is
changed, and they choose. Rows that somebody else committed meanwhile are told apart when the draft is put on their version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.datasets import draft_repository as repository
from app.datasets.cells import Json, Values, seen, value_at, with_values
from app.datasets.draft_repository import Counts, DraftRow, Filter
from app.datasets.models import DatasetDraft
from app.datasets.rows import Destination, Split
from app.datasets.schemas import DatapointContent
from app.files import repository as files_repository
from app.files.models import File, Version

MOST_AT_ONCE = 10_000
"""Rows that one request adds or edits; more are imported as a file."""
BulkAction = Literal["remove", "restore", "split", "undo", "settle"]
KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class RowEdit:
    """Other values for a row; `was` has the marks of what somebody saw there, where they say it."""

    row_id: str
    values: Values
    was: Mapping[Destination, str] = field(default_factory=dict)


class CellTaken(Conflict):
    """Another tab has written to the cell since it was read; `current` is what it says."""

    def __init__(self, place: Destination, current: Any) -> None:
        super().__init__(f"{place} was changed elsewhere since you read it. Nothing was changed.")
        self.current = current


def find(session: Session, principal: Principal, file: File) -> DatasetDraft | None:
    """The principal's draft, where it changes anything; a key's is that of its maker."""
    return repository.find(session, principal.workspace_id, principal.user_id, file.id)


def get(session: Session, principal: Principal, file: File, *, locked: bool = False) -> DatasetDraft:
    """The principal's draft.

    Raises:
        NotFound: there is none, or it changes nothing.
    """
    draft = repository.find(session, principal.workspace_id, principal.user_id, file.id, locked=locked)
    if draft is None or (locked and repository.is_empty(session, draft)):
        raise NotFound("You have no draft of this dataset: nothing is changed that is not committed.")
    return draft


def opened(session: Session, principal: Principal, file: File, *, saved: str | None = None) -> DatasetDraft:
    """The principal's draft, to write to: locked, and begun on the newest version where it changes nothing yet.

    Whoever writes over what they have seen says when it was `saved`: the mark of the draft that they saw.

    Raises:
        Conflict: it was changed since they saw it.
    """
    return opened_of(session, principal.user_id, file, saved=saved)


def opened_of(session: Session, user_id: str, file: File, *, saved: str | None = None) -> DatasetDraft:
    """As `opened`, for somebody who is not here: work that they have asked for writes to their draft.

    Raises:
        Conflict: as there.
    """
    of = (file.workspace_id, user_id, file.id)
    draft = repository.find(session, *of, locked=True)
    # Only now: it may have waited for a commit that ended the draft before.
    newest = files_repository.newest_version(session, file.id)
    number = newest.number if newest else 0
    if draft is None:
        repository.begin(session, *of, number)
        draft = repository.find(session, *of, locked=True)
    if draft is None:
        raise Conflict("Another page discards this draft at this moment: try again.")
    is_empty = repository.is_empty(session, draft)
    if saved is not None and saved != ("" if is_empty else draft.saved_at.isoformat()):
        raise Conflict(
            "The draft was changed elsewhere since this page was read. Nothing was pasted: this is what the rows "
            "say now. Paste again, if it is still right."
        )
    if is_empty:
        draft.base_number = number
    return _touched(draft)


def _touched(draft: DatasetDraft) -> DatasetDraft:
    draft.saved_at = clock.now()
    return draft


def unopened(principal: Principal, file: File, newest: Version | None) -> DatasetDraft:
    """What a draft would be, for reading: nobody has begun it, and nothing is stored."""
    return DatasetDraft(
        id="", workspace_id=principal.workspace_id, user_id=principal.user_id, file_id=file.id,
        base_number=newest.number if newest else 0,
    )  # fmt: skip


def read(session: Session, principal: Principal, file: File) -> DatasetDraft:
    """The principal's draft, or the newest version as if it were one."""
    found = find(session, principal, file)
    return found or unopened(principal, file, files_repository.newest_version(session, file.id))


def get_row(session: Session, draft: DatasetDraft, row_id: str) -> DraftRow:
    """One row as the draft has it.

    Raises:
        NotFound: it has no such row.
    """
    rows = repository.list_rows(session, draft, Filter(row_ids=[row_id]), limit=1)
    if not rows:
        raise NotFound("The draft has no such row: it was committed, discarded or put on a newer version.")
    return rows[0]


def edit(session: Session, draft: DatasetDraft, edits: Sequence[RowEdit]) -> None:
    """Write other values into rows of a draft that is locked: all of them, or none.

    Raises:
        NotFound: the draft has no such row.
        CellTaken: a cell does not say any more what somebody saw in it.
        Invalid: a value does not fit its place, or they are too many.
    """
    if len(edits) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE:,} rows are edited at once: import a file for more.")
    wanted = Filter(row_ids=[each.row_id for each in edits])
    if len(set(wanted.row_ids or ())) < len(edits):
        raise Invalid("A row is named more than once: put its values into one edit. Nothing was changed.")
    found = {row.row_id: row for row in repository.list_rows(session, draft, wanted, limit=len(edits))}
    changes: dict[str, Json] = {}
    for each in edits:
        row = found.get(each.row_id)
        if row is None:
            raise NotFound(f"The draft has no row {each.row_id:.80}.")
        changes[each.row_id] = _changed(draft, row, each)
    repository.put(session, draft, list(changes.values()))
    repository.prune(session, draft)


def _changed(draft: DatasetDraft, row: DraftRow, wanted: RowEdit) -> Json:
    for place, mark in wanted.was.items():
        current = value_at(row.content, row.split, place)
        if place in wanted.values and mark != seen(current) and current != wanted.values[place]:
            raise CellTaken(place, current)
    content, split = with_values(row.content, row.split, wanted.values)
    is_added = row.before is None
    change = _content(draft, content, is_added) | {"row_id": row.row_id, "split": split, "added": None}
    if is_added:
        change["added"] = 0  # only to be told apart: the row keeps its place
    elif change["content_hash"] == ids.content_hash(ids.canonical_json(row.before)):
        change |= dict.fromkeys(("content", "content_hash", "content_id"))
    return change


def _content(draft: DatasetDraft, content: Json, is_added: bool) -> Json:
    """What is kept of a row's content; an added row has no hash while nothing is typed into it, and is not committed."""
    data = ids.canonical_json(content)
    return {
        "content": content,
        "content_hash": None if is_added and _is_blank(content) else ids.content_hash(data),
        "content_id": ids.content_id("dp", draft.workspace_id, data),
    }


def _is_blank(content: Json) -> bool:
    return set(content) == {"inputs"} and not any(content["inputs"].values())


def add(session: Session, draft: DatasetDraft, rows: Sequence[DatapointContent]) -> list[str]:
    """Add rows at the end of a draft that is locked; the names that they have in it. Rows of which every input is
    empty are there to be typed into, and are not committed while they are empty.

    Raises:
        Invalid: they are too many.
    """
    if len(rows) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE:,} rows are added at once: import a file for more.")
    first = repository.next_place(session, draft)
    changes = [
        _content(draft, row.content(), is_added=True)
        | {"row_id": ids.new_id("nr"), "added": place, "split": row.split}
        for place, row in enumerate(rows, first)
    ]
    repository.put(session, draft, changes)
    return [each["row_id"] for each in changes]


def apply(
    session: Session, draft: DatasetDraft, action: BulkAction, wanted: Filter, split: Split | None = None
) -> None:
    """Change the rows that are meant, of a draft that is locked.

    `remove` them, which `restore` takes back until the draft is committed; put them into a `split`, or into none; `undo`
    lets them be as the version has them; `settle` lets the draft's changes stand where somebody committed others.
    """
    match action:
        case "remove" | "restore":
            repository.change_many(session, draft, wanted, removed=action == "remove", split=None)
        case "split":
            repository.change_many(session, draft, wanted, split=split)
        case "undo":
            repository.undo_many(session, draft, wanted)
        case "settle":
            repository.settle_many(session, draft, wanted)


def count(session: Session, draft: DatasetDraft) -> Counts:
    """How many rows the draft changes."""
    return repository.count_changes(session, draft)


def discard(session: Session, principal: Principal, file: File) -> None:
    """Throw the draft away. Until the next one is thrown away, it can be brought back.

    Raises:
        NotFound: there is none.
    """
    repository.discard(session, get(session, principal, file, locked=True))


def bring_back(session: Session, principal: Principal, file: File) -> DatasetDraft:
    """Make the draft that was thrown away last the principal's again.

    Raises:
        NotFound: there is none.
        Conflict: they have begun another one.
    """
    found = repository.find_discarded(session, principal.workspace_id, principal.user_id, file.id)
    if found is None:
        raise NotFound("No draft of this dataset was thrown away.")
    begun = repository.find(session, principal.workspace_id, principal.user_id, file.id, locked=True)
    if begun and not repository.is_empty(session, begun):
        raise Conflict("You have begun another draft since: commit or discard it first.")
    if begun:
        repository.remove(session, begun)
    found.discarded_at = None
    session.flush()
    return _touched(found)


def delete_old(session: Session) -> None:
    """Delete what nobody has touched for `KEPT_DAYS`."""
    repository.delete_old(session, KEPT_DAYS)
