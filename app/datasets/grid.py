"""What the dataset page shows: columns found in the rows, a page of them, the principal's draft, and whether they can tell
versions apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, get_args

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Action, Principal
from app.core.template import as_text
from app.datasets import draft_repository, drafts, repository, suspects, synthetic
from app.datasets.cells import Values, place_of, shown, value_at
from app.datasets.draft_repository import Counts, DraftRow, Filter
from app.datasets.health import Health, build_health
from app.datasets.models import DatasetDraft
from app.datasets.rows import Destination
from app.datasets.summary import summarise
from app.datasets.suspects import Suspect
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, Version

PAGE_ROWS = 50
_MOST_COLUMNS = 5
_MOST_DETAILS = 2
"""Columns of metadata."""
_NAMED = ("inputs", "target", "metadata")
_WHOLE = ("messages", "context", "cluster", "split")
_OFFERED = timedelta(days=1)
"""So long the page offers to bring back a draft that was thrown away."""


@dataclass(frozen=True, slots=True)
class Column:
    """One member of the rows."""

    place: str
    """As an edit names it: `inputs.question`, `split`."""
    kind: str
    """inputs, target, metadata or split."""
    title: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row says in one column."""

    text: str
    before: str | None = None
    """What the version says, where the draft says something else."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the grid."""

    row_id: str
    number: int | None
    """From 1 by its place in the dataset, whatever the filter; None of an added row."""
    cells: Sequence[Cell]
    """Under the columns, in their order."""
    state: str = ""
    """`add`, `edit` or `cut`, where a draft changes it."""
    clash: bool = False
    suspect: Suspect | None = None
    """What speaks against its target."""
    synthetic: bool = False
    """Whether a model wrote it."""


Only = Literal["", "alike", "suspect", "synthetic"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a dataset the page is asked to show."""

    number: int | None = None
    """A version; without it the principal's draft, or the newest version."""
    query: str = ""
    split: str = ""
    changed: bool = False
    """Only rows that the draft changes."""
    page: int = 1
    only: Only = ""
    """Only the near-duplicates, or the rows with a suspect target, of the version, or of the one that the draft changes; or
    the rows that a model wrote."""

    @property
    def synthetic(self) -> bool:
        """Whether only those that a model wrote are meant."""
        return self.only == "synthetic"


@dataclass(frozen=True, slots=True)
class DraftShown:
    """What the page says of the draft that it shows."""

    draft: DatasetDraft
    counts: Counts
    next_number: int
    newer: Version | None
    """The newest version, where it is not the one that the draft changes."""

    @property
    def is_adrift(self) -> bool:
        """Whether the version that the draft changes was the newest, and is deleted."""
        return self.newer is not None and self.newer.number < self.draft.base_number


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows page."""

    file: File
    version: Version | None
    """The version that is shown, or that the draft changes."""
    newest: int
    columns: Sequence[Column]
    rows: Sequence[Row]
    matching: int
    asked: Shown
    page: int
    pages: int
    health: Health | None
    may_edit: bool = False
    """Whether cells can be edited here: not in a version that is named."""
    draft: DraftShown | None = None
    discarded: DatasetDraft | None = None
    """A draft that the principal has thrown away, and may bring back."""


def build_rows(session: Session, principal: Principal, file: File, asked: Shown) -> Rows:
    """A page of the rows that match, of a version or of the principal's draft.

    Raises:
        NotFound: the dataset has no such version.
    """
    newest = files_repository.newest_version(session, file.id)
    may_edit = asked.number is None and principal.may(Action.EDIT)
    draft = drafts.find(session, principal, file) if may_edit else None
    version = files.get_version_number(session, file, asked.number) if asked.number else newest
    if draft:
        version = files_repository.find_version_by_number(session, file.id, draft.base_number)
    matching = _count(session, version, draft, asked)
    pages = max(1, -(-matching // PAGE_ROWS))
    page = min(max(1, asked.page), pages)
    found = _list(session, version, draft, asked, (page - 1) * PAGE_ROWS)
    columns = _columns(found if draft is None else [*_before_added(session, draft, found), *found])
    return Rows(
        file=file,
        version=version,
        newest=newest.number if newest else 0,
        columns=columns,
        rows=_lines(found, columns, session, version),
        matching=matching,
        asked=asked,
        page=page,
        pages=pages,
        health=build_health(session, version) if version and version.rows_count else None,
        may_edit=may_edit,
        draft=describe(session, file, draft, newest) if draft else None,
        discarded=_discarded(session, principal, file) if may_edit and draft is None else None,
    )


def build_state(session: Session, principal: Principal, file: File, asked: Shown) -> Rows:
    """The rows page without its rows: what it says of the draft."""
    newest = files_repository.newest_version(session, file.id)
    draft = drafts.find(session, principal, file)
    return Rows(
        file=file,
        version=newest,
        newest=newest.number if newest else 0,
        columns=(),
        rows=(),
        matching=0,
        asked=asked,
        page=asked.page,
        pages=1,
        health=None,
        may_edit=True,
        draft=describe(session, file, draft, newest) if draft else None,
    )


def input_names(session: Session, principal: Principal, file: File) -> list[str]:
    """The inputs that rows of the dataset have: those of its first page."""
    rows = draft_repository.list_rows(
        session, drafts.read(session, principal, file), Filter(), limit=PAGE_ROWS
    )
    return _names((row.content.get("inputs") or {} for row in rows), _MOST_COLUMNS)


def has_rows(session: Session, principal: Principal, file: File) -> bool:
    """Whether there is any row, in the principal's draft or the newest version."""
    return bool(draft_repository.list_rows(session, drafts.read(session, principal, file), Filter(), limit=1))


def examples(session: Session, draft: DatasetDraft, places: Sequence[Destination]) -> Values:
    """What rows say in these places, to tell their kind by: the first row of the first page that says something there."""
    rows = draft_repository.list_rows(session, draft, Filter(), limit=PAGE_ROWS)
    found = dict[Destination, Any]()
    for place in places:
        said = (value_at(row.content, row.split, place) for row in rows)
        found[place] = next((value for value in said if value not in (None, "")), None)
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """A row that the draft changes."""

    row: Row
    members: Sequence[tuple[str, Cell]]
    """What it says now and said before: of an edited row only what differs."""


def compare(row: DraftRow) -> Compared:
    """What the draft changes in a row."""
    both = (row.before or {}, row.content)
    names = [f"{kind}.{name}" for kind in _NAMED for name in {**_told(both[0], kind), **_told(both[1], kind)}]
    cells = [(name, cell_of(row, name)) for name in (*names, *_WHOLE)]
    wanted = [
        (name, cell) for name, cell in cells if cell.before is not None or (row.state != "edit" and cell.text)
    ]
    return Compared(_line(row, ()), wanted)


def describe(session: Session, file: File, draft: DatasetDraft, newest: Version | None) -> DraftShown:
    """What the page says of a draft."""
    newer = newest if newest and newest.number != draft.base_number else None
    return DraftShown(draft, drafts.count(session, draft), file.last_number + 1, newer)


def _discarded(session: Session, principal: Principal, file: File) -> DatasetDraft | None:
    found = draft_repository.find_discarded(session, principal.workspace_id, principal.user_id, file.id)
    return found if found and found.discarded_at and clock.now() - found.discarded_at < _OFFERED else None


def _count(session: Session, version: Version | None, draft: DatasetDraft | None, asked: Shown) -> int:
    if draft:
        wanted = filter_of(session, version, asked)
        if version and wanted == Filter():
            return (version.rows_count or 0) + draft_repository.count_added(session, draft)
        return draft_repository.count_rows(session, draft, wanted)
    if version is None or not (asked.query or asked.split or asked.only):
        return (version.rows_count if version else 0) or 0
    return repository.count_rows(session, version, **_filtered(session, version, asked))


def _filtered(session: Session, version: Version, asked: Shown) -> dict[str, Any]:
    return {
        "query": asked.query or None,
        "split": asked.split or None,
        "row_ids": _named(session, version, asked),
        "synthetic": asked.synthetic,
    }


def _list(
    session: Session, version: Version | None, draft: DatasetDraft | None, asked: Shown, offset: int
) -> list[DraftRow]:
    if draft:
        wanted = filter_of(session, version, asked)
        return draft_repository.list_rows(session, draft, wanted, offset=offset, limit=PAGE_ROWS)
    if version is None:
        return []
    filtered = _filtered(session, version, asked)
    found = repository.list_rows(session, version, **filtered, offset=offset, limit=PAGE_ROWS)
    return [draft_repository.unchanged(row, datapoint) for row, datapoint in found]


def filter_of(session: Session, version: Version | None, asked: Shown) -> Filter:
    """Which rows of a draft that changes `version` the page is asked to show."""
    return Filter(
        asked.query, asked.split, asked.changed, _named(session, version, asked), synthetic=asked.synthetic
    )


def only_of(name: str) -> Only:
    """The rows that an address asks for; all of them for a name that is not known."""
    return next((known for known in get_args(Only) if name == known), "")


def _named(session: Session, version: Version | None, asked: Shown) -> Sequence[str] | None:
    if not asked.only or asked.synthetic:
        return None
    if version is None:  # the draft changes one that was deleted: of its rows nothing is known
        return ()
    if asked.only == "suspect":
        return [one.datapoint_id for one in suspects.of(session, version)]
    found = summarise(session, version).alike
    return found.ids if found else ()


def _before_added(session: Session, draft: DatasetDraft, found: Sequence[DraftRow]) -> list[DraftRow]:
    """Rows whose columns added rows have, too: those of the first page, where some of these are added."""
    is_needed = any(row.position is None for row in found)
    return draft_repository.list_rows(session, draft, Filter(), limit=PAGE_ROWS) if is_needed else []


def _columns(rows: Sequence[DraftRow]) -> list[Column]:
    columns = []
    for kind, title, most in (
        ("inputs", "", _MOST_COLUMNS),
        ("target", "Target: ", _MOST_COLUMNS),
        ("metadata", "", _MOST_DETAILS),
    ):
        names = _names((_told(row.content, kind) for row in rows), most)
        columns += [Column(f"{kind}.{name}", kind, f"{title}{name}") for name in names]
    return [*columns, Column("split", "split", "Split")]


def _told(content: dict[str, Any], kind: str) -> dict[str, Any]:
    """The members of a kind, but for the mark of rows that a model wrote, which stands beside their number."""
    held = content.get(kind) or {}
    return {name: value for name, value in held.items() if (kind, name) != synthetic.PLACE}


def _lines(
    found: Sequence[DraftRow], columns: Sequence[Column], session: Session, version: Version | None
) -> list[Row]:
    doubted = {one.datapoint_id: one for one in suspects.of(session, version)} if version else {}
    lines = (_line(row, columns) for row in found)
    # A target that the draft has changed is another one than versions spoke against.
    return [replace(line, suspect=None if line.state else doubted.get(line.row_id)) for line in lines]


def _line(row: DraftRow, columns: Sequence[Column]) -> Row:
    cells = [cell_of(row, column.place) for column in columns]
    number = None if row.position is None else row.position + 1
    return Row(row.row_id, number, cells, row.state, row.clash, synthetic=row.is_synthetic)


def cell_of(row: DraftRow, place: str) -> Cell:
    """What a row says in one place."""
    at = place_of(place)
    text = shown(value_at(row.content, row.split, at))
    if row.before is None or not row.changed:
        return Cell(text)
    before = shown(value_at(row.before, row.split_before, at))
    return Cell(text, before if before != text else None)


def _names(objects: Iterable[dict[str, Any]], most: int) -> list[str]:
    """The names that occur in most rows, those with short values first: a question before its passage."""
    counts: Counter[str] = Counter()
    lengths: Counter[str] = Counter()
    for each in objects:
        for name, value in each.items():
            counts[name] += 1
            lengths[name] += len(as_text(value))
    chosen = [name for name, _ in counts.most_common(most)]
    return sorted(chosen, key=lambda name: lengths[name] / counts[name])
