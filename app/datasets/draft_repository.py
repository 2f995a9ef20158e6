"""The SQL of drafts of datasets: the rows of a base with the changes over them, and changes of many rows at once.

A draft holds changes only. However many rows there are, a page of them and a change of them all are each one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.database import Json
from app.datasets.models import Datapoint, DatasetDraft, DatasetRow, DraftChange
from app.datasets.synthetic import IS_SYNTHETIC, mark_of

_MEMBERS = ("inputs", "messages", "target", "context", "cluster", "metadata")
_AT_ONCE = 5_000
"""Changes in one statement: it may name 65,535 values."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows of a draft are meant: all, or those that match."""

    query: str = ""
    split: str = ""
    changed: bool = False
    row_ids: Sequence[str] | None = None
    """Only these."""
    synthetic: bool = False
    """Only those that a model wrote."""


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A row as the draft has it, and as its base does."""

    row_id: str
    position: int | None
    """Its place in the base; None of an added row."""
    content: Json
    split: str | None
    before: Json | None
    """What the base says, where the draft says something else; None of an added row."""
    split_before: str | None
    removed: bool
    clash: bool
    changed: bool

    @property
    def is_synthetic(self) -> bool:
        """Whether a model wrote it."""
        return mark_of(self.content.get("metadata")) is not None

    @property
    def state(self) -> str:
        """`cut`, `add` or `edit`; empty of a row that is as the base has it."""
        return "cut" if self.removed else "add" if self.position is None else "edit" if self.changed else ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows a draft changes, and how."""

    added: int = 0
    edited: int = 0
    removed: int = 0
    clashes: int = 0
    blank: int = 0
    """Added, and nothing is typed into them yet; they are not counted as added."""

    @property
    def changed(self) -> int:
        """All of them."""
        return self.added + self.edited + self.removed + self.blank


_BASE = """
    select datapoint_id, position, split, from_number from dataset_row
    where file_id = :file and from_number <= :base and (until_number is null or until_number > :base)
"""
_ROWS = f"""
    select b.datapoint_id as row_id, b.position, null::int as added, b.datapoint_id, b.split as split_before,
           case when c.row_id is null then b.split else c.split end as split, c.content,
           coalesce(c.removed, false) as removed, coalesce(c.clash, false) as clash, c.row_id is not null as changed
    from ({_BASE}) b left join dataset_draft_change c
      on c.draft_id = :draft and c.row_id = b.datapoint_id and c.added is null
    union all
    select row_id, null, added, null, null, split, content, removed, clash, true
    from dataset_draft_change where draft_id = :draft and added is not null
"""  # noqa: S608 - the statement above
_SAYS = """
    case when r.content is null then d.inputs::text || coalesce(d.target::text, '')
         else coalesce((r.content->'inputs')::text, '') || coalesce((r.content->'target')::text, '') end ilike :query
"""
_SYNTHETIC = f"""
    case when r.content is null then {IS_SYNTHETIC.format("d.metadata")}
         else {IS_SYNTHETIC.format("(r.content->'metadata')")} end
"""
_REMOVED = """
    removed = excluded.removed, clash = c.clash and (c.added is null or not excluded.removed)
"""
_PRUNE = f"""
    delete from dataset_draft_change c using ({_BASE}) b
    where c.draft_id = :draft and c.added is null and b.datapoint_id = c.row_id and not c.removed and not c.clash
      and c.content is null and c.split is not distinct from b.split
"""  # noqa: S608


def of(draft: DatasetDraft) -> dict[str, Any]:
    """What every statement about a draft names."""
    return {"draft": draft.id, "file": draft.file_id, "base": draft.base_number}


def find(
    session: Session, workspace_id: str, user_id: str, file_id: str, *, locked: bool = False
) -> DatasetDraft | None:
    """The person's draft of a dataset, unless it is thrown away or changes nothing; if it is to be `locked`, even then."""
    query = select(DatasetDraft).where(
        DatasetDraft.workspace_id == workspace_id,
        DatasetDraft.user_id == user_id,
        DatasetDraft.file_id == file_id,
        DatasetDraft.discarded_at.is_(None),
    )
    if locked:
        return session.scalar(query.with_for_update().execution_options(populate_existing=True))
    return session.scalar(query.where(exists().where(DraftChange.draft_id == DatasetDraft.id)))


def is_empty(session: Session, draft: DatasetDraft) -> bool:
    """Whether the draft changes nothing."""
    return not session.scalar(select(exists().where(DraftChange.draft_id == draft.id)))


def begin(session: Session, workspace_id: str, user_id: str, file_id: str, base_number: int) -> None:
    """A draft without changes, unless there is one."""
    values = {
        "id": ids.new_id("dd"), "workspace_id": workspace_id, "user_id": user_id, "file_id": file_id,
        "base_number": base_number,
    }  # fmt: skip
    session.execute(insert(DatasetDraft).values(values).on_conflict_do_nothing())


def find_discarded(session: Session, workspace_id: str, user_id: str, file_id: str) -> DatasetDraft | None:
    """The draft that the person threw away last."""
    query = select(DatasetDraft).where(
        DatasetDraft.workspace_id == workspace_id,
        DatasetDraft.user_id == user_id,
        DatasetDraft.file_id == file_id,
        DatasetDraft.discarded_at.is_not(None),
    )
    return session.scalar(query.order_by(DatasetDraft.discarded_at.desc()).limit(1))


def discard(session: Session, draft: DatasetDraft) -> None:
    """Put the draft aside; the one that was put aside before goes."""
    session.execute(
        delete(DatasetDraft).where(
            DatasetDraft.workspace_id == draft.workspace_id,
            DatasetDraft.user_id == draft.user_id,
            DatasetDraft.file_id == draft.file_id,
            DatasetDraft.discarded_at.is_not(None),
        )
    )
    draft.discarded_at = clock.now()
    session.flush()


def remove(session: Session, draft: DatasetDraft) -> None:
    """Take the draft away for good."""
    session.delete(draft)
    session.flush()


def list_rows(
    session: Session,
    draft: DatasetDraft,
    wanted: Filter,
    *,
    offset: int = 0,
    limit: int = 50,
    targets_alone: bool = False,
) -> list[DraftRow]:
    """Rows in their order, removed ones in their places, added ones at the end. `targets_alone`: of a row's content nothing else is
    read, but where the draft says something else."""
    members = ("target",) if targets_alone else _MEMBERS
    source, params = _picked(wanted)
    found = session.execute(
        text(f"""
        with line as ({_ROWS}), picked as (
            select r.* from {source} order by r.added nulls first, r.position limit :limit offset :offset)
        select p.row_id, p.position, p.content, p.split, p.split_before, p.removed, p.clash, p.changed, {_columns(members)}
        from picked p left join datapoint d on d.id = p.datapoint_id
        order by p.added nulls first, p.position
        """),  # noqa: S608 - the statements above
        {**of(draft), **params, "limit": limit, "offset": offset},
    )
    return [_row(members, *row) for row in found.all()]  # at once: one by one costs as much as what they hold


def _columns(members: Sequence[str]) -> str:
    return ", ".join(f"d.{name}" for name in members)


def count_rows(session: Session, draft: DatasetDraft, wanted: Filter) -> int:
    """How many rows `list_rows` has in all."""
    source, params = _picked(wanted)
    statement = text(f"with line as ({_ROWS}) select count(*) from {source}")  # noqa: S608
    return session.scalar(statement, {**of(draft), **params}) or 0


def count_added(session: Session, draft: DatasetDraft) -> int:
    """How many rows the draft has behind those of its base, removed ones included."""
    query = select(func.count()).where(DraftChange.draft_id == draft.id, DraftChange.added.is_not(None))
    return session.scalar(query) or 0


def _picked(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """The rows that are meant, as `r`, and what the statement names."""
    conditions, params = ["true"], dict[str, Any]()
    if wanted.changed:
        conditions.append("r.changed")
    if wanted.split:
        conditions.append("r.split = :split")
        params["split"] = wanted.split
    if wanted.row_ids is not None:
        conditions.append("r.row_id = any(:row_ids)")
        params["row_ids"] = list(wanted.row_ids)
    joined = "left join datapoint d on d.id = r.datapoint_id" if wanted.query or wanted.synthetic else ""
    if wanted.synthetic:
        conditions.append(_SYNTHETIC)
    if wanted.query:
        conditions.append(_SAYS)
        escaped = wanted.query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        params["query"] = f"%{escaped}%"
    return f"line r {joined} where {' and '.join(conditions)}", params


def _row(
    members: Sequence[str], row_id: str, position: int | None, content: Json | None, split: str | None,
    split_before: str | None, removed: bool, clash: bool, changed: bool, *said: Any,
) -> DraftRow:  # fmt: skip
    held = {name: value for name, value in zip(members, said, strict=True) if value is not None}
    return DraftRow(
        row_id, position, held if content is None else content, split,
        None if position is None else held,
        split_before, removed, clash, changed,
    )  # fmt: skip


def unchanged(row: DatasetRow, datapoint: Datapoint) -> DraftRow:
    """A row of a version, as a draft that leaves it alone has it."""
    details = {name: getattr(datapoint, name) for name in _MEMBERS if name != "metadata"}
    held = _held(details | {"metadata": datapoint.details})
    return DraftRow(
        datapoint.id, row.position, held, row.split, held, row.split,
        removed=False, clash=False, changed=False,
    )  # fmt: skip


def _held(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def put(session: Session, draft: DatasetDraft, changes: Sequence[Json]) -> None:
    """Write what rows say; a row that was changed before says this now."""
    for start in range(0, len(changes), _AT_ONCE):
        part = changes[start : start + _AT_ONCE]
        statement = insert(DraftChange).values([{"draft_id": draft.id, **each} for each in part])
        said = ("content", "content_hash", "content_id", "split")
        kept = {name: statement.excluded[name] for name in said}
        session.execute(statement.on_conflict_do_update(index_elements=["draft_id", "row_id"], set_=kept))


def next_place(session: Session, draft: DatasetDraft) -> int:
    """Where the next added row stands among those."""
    newest = select(func.max(DraftChange.added)).where(DraftChange.draft_id == draft.id)
    found = session.scalar(newest)
    return 0 if found is None else found + 1


def change_many(
    session: Session, draft: DatasetDraft, wanted: Filter, *, removed: bool | None = None, split: str | None
) -> None:
    """Remove or bring back the rows that are meant, or with `removed` None put them into a split (None: into none).

    Removing what a row that somebody else removed has become takes theirs: the clash is settled.
    """
    source, params = _picked(wanted)
    is_split = removed is None
    session.execute(
        text(f"""
        with line as ({_ROWS})
        insert into dataset_draft_change as c (draft_id, row_id, added, split, removed)
        select :draft, r.row_id, r.added, {"cast(:to as text)" if is_split else "r.split"}, {"false" if is_split else ":removed"}
        from {source} {"" if removed is not False else "and r.removed"}
        on conflict (draft_id, row_id) do update
        set {"split = excluded.split" if is_split else _REMOVED}
        """),  # noqa: S608 - the statements above
        {**of(draft), **params, "to": split, "removed": removed},
    )
    prune(session, draft)


def undo_many(session: Session, draft: DatasetDraft, wanted: Filter) -> None:
    """Let rows of the base be as the base has them."""
    source, params = _picked(wanted)
    session.execute(
        text(f"""
        with line as ({_ROWS})
        delete from dataset_draft_change c
        where c.draft_id = :draft and c.added is null and c.row_id in (select r.row_id from {source})
        """),  # noqa: S608
        {**of(draft), **params},
    )


def settle_many(session: Session, draft: DatasetDraft, wanted: Filter) -> None:
    """Let the draft's changes of the rows stand against what somebody else committed."""
    source, params = _picked(wanted)
    session.execute(
        text(f"""
        with line as ({_ROWS})
        update dataset_draft_change c set clash = false
        where c.draft_id = :draft and c.clash and c.row_id in (select r.row_id from {source})
        """),  # noqa: S608
        {**of(draft), **params},
    )
    prune(session, draft)


def prune(session: Session, draft: DatasetDraft) -> None:
    """Forget changes that say what the base says."""
    session.execute(text(_PRUNE), of(draft))


def count_changes(session: Session, draft: DatasetDraft) -> Counts:
    """How many rows are added, edited and removed. An added row that is removed again is none."""
    row = session.execute(
        text("""
        select count(*) filter (where added is not null and not removed and content_hash is not null),
               count(*) filter (where added is null and not removed),
               count(*) filter (where added is null and removed),
               count(*) filter (where clash),
               count(*) filter (where added is not null and not removed and content_hash is null)
        from dataset_draft_change where draft_id = :draft
        """),
        {"draft": draft.id},
    ).one()
    return Counts(*row)


def delete_old(session: Session, days: int) -> None:
    """Delete drafts that nobody has touched for so many days."""
    old = func.now() - func.make_interval(0, 0, 0, days)
    session.execute(delete(DatasetDraft).where(DatasetDraft.saved_at < old))
