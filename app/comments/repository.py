"""The SQL of comments and mentions. Everything is asked for within one workspace."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, exists, func, insert, null, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import User
from app.comments.mentioning import GONE, Person
from app.comments.models import About, Comment, Mention, Subject
from app.core import clock
from app.core.access import ALLOWED, Action
from app.datasets.models import DatasetRow
from app.files.models import File, Version
from app.logs.models import Log
from app.workspaces.models import Membership

COLUMNS: dict[Subject, InstrumentedAttribute[str | None]] = {
    Subject.VERSION: Comment.version_id,
    Subject.ROW: Comment.datapoint_id,
    Subject.LOG: Comment.log_id,
}
_TABLES = {Subject.VERSION: "version", Subject.ROW: "datapoint", Subject.LOG: "log"}


class Held(NamedTuple):
    """Where a thing that can be commented on stands."""

    id: str
    file_id: str | None
    kind: str | None
    path: str | None
    number: int | None
    """Of a version, or of the newest version that has the row."""


def list_versions(session: Session, workspace_id: str, version_ids: Collection[str]) -> list[Held]:
    """Versions of files that are not deleted."""
    query = (
        select(Version.id, File.id, File.kind, File.path, Version.number)
        .join(File, File.id == Version.file_id)
        .where(Version.workspace_id == workspace_id, Version.id.in_(version_ids), File.deleted_at.is_(None))
    )
    return [Held(*row) for row in session.execute(query)]


def list_rows(session: Session, workspace_id: str, datapoint_ids: Collection[str]) -> list[Held]:
    """Rows, each with the dataset that has it, and the newest version of that which does. Of several datasets, those whose
    newest version has it come first, then the one that got it last."""
    query = text("""
        select distinct on (r.datapoint_id) r.datapoint_id, f.id, f.kind, f.path, v.number
        from dataset_row r
        join file f on f.id = r.file_id and f.workspace_id = :workspace and f.deleted_at is null
        cross join lateral (
            select max(number) as number from version v where v.file_id = f.id and v.number >= r.from_number
                and (r.until_number is null or v.number < r.until_number)
        ) v
        where r.datapoint_id = any(:ids) and v.number is not null
        order by r.datapoint_id, r.until_number is not null, r.from_number desc, f.id
    """)
    found = session.execute(query, {"workspace": workspace_id, "ids": list(datapoint_ids)})
    return [Held(*row) for row in found]


def list_logs(session: Session, workspace_id: str, log_ids: Collection[str]) -> list[Held]:
    """Logs, with their files, deleted ones too."""
    query = (
        select(Log.id, File.id, File.kind, File.path, null())
        .outerjoin(File, File.id == Log.file_id)
        .where(Log.workspace_id == workspace_id, Log.id.in_(log_ids))
    )
    return [Held(*row) for row in session.execute(query)]


def hold(session: Session, about: About) -> bool:
    """Keep what is commented on from being deleted until the transaction ends; whether it is there."""
    table = _TABLES[about.subject]
    query = text(f"select id from {table} where id = :id for key share")  # noqa: S608 - one of three
    return session.scalar(query, {"id": about.id}) is not None


def _on(workspace_id: str, about: About) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Comment.workspace_id == workspace_id, COLUMNS[about.subject] == about.id


def count_comments(session: Session, workspace_id: str, about: About) -> int:
    return session.scalar(select(func.count()).where(*_on(workspace_id, about))) or 0


def list_comments(
    session: Session, workspace_id: str, about: About, *, offset: int, limit: int
) -> list[Comment]:
    """The comments on a thing, the oldest first."""
    query = select(Comment).where(*_on(workspace_id, about)).order_by(Comment.created_at, Comment.id)
    return list(session.scalars(query.offset(offset).limit(limit)))


def count_by_thing(
    session: Session, workspace_id: str, subject: Subject, ids: Collection[str]
) -> dict[str, int]:
    """How many comments each of these things has; those without any are left out."""
    column = COLUMNS[subject]
    query = select(column, func.count()).where(Comment.workspace_id == workspace_id, column.in_(ids))
    return {str(thing): count for thing, count in session.execute(query.group_by(column))} if ids else {}


def find_comment(session: Session, workspace_id: str, comment_id: str) -> Comment | None:
    query = select(Comment).where(Comment.id == comment_id, Comment.workspace_id == workspace_id)
    return session.scalar(query.with_for_update())


def list_mentioned(session: Session, comment_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """The people whom comments mention: by comment, the name that each has now, by their id."""
    query = (
        select(Mention.comment_id, Mention.user_id, func.coalesce(User.full_name, GONE))
        .outerjoin(User, User.id == Mention.user_id)
        .where(Mention.comment_id.in_(comment_ids))
        .order_by(Mention.comment_id, Mention.user_id)
    )
    found: dict[str, dict[str, str]] = {comment_id: {} for comment_id in comment_ids}
    for comment_id, user_id, name in session.execute(query):
        found[comment_id][user_id] = name
    return found


def set_mentioned(session: Session, comment: Comment, user_ids: Iterable[str]) -> None:
    """Mention these people and nobody else. Who was mentioned before stays as they were; nobody is told of themselves."""
    wanted = set(user_ids)
    before = set(session.scalars(select(Mention.user_id).where(Mention.comment_id == comment.id)))
    session.execute(delete(Mention).where(Mention.comment_id == comment.id, Mention.user_id.not_in(wanted)))
    added = [
        {
            "comment_id": comment.id,
            "user_id": user_id,
            "workspace_id": comment.workspace_id,
            "read_at": clock.now() if user_id == comment.author_id else None,
        }
        for user_id in sorted(wanted - before)
    ]
    if added:
        session.execute(insert(Mention), added)


def list_people(session: Session, workspace_id: str) -> list[Person]:
    """Whoever can be mentioned: members who can read, and whose accounts are not disabled, by name."""
    query = (
        select(User.id, User.full_name)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.workspace_id == workspace_id,
            Membership.role.in_(ALLOWED[Action.READ]),
            User.disabled_at.is_(None),
        )
    )
    return [Person(*row) for row in session.execute(query.order_by(func.lower(User.full_name), User.id))]


def _is_there() -> ColumnElement[bool]:
    """Whether what a comment is about can be opened: its file is not deleted."""
    version = select(Version.id).join(File, File.id == Version.file_id)
    row = select(DatasetRow.file_id).join(File, File.id == DatasetRow.file_id)
    return or_(
        Comment.log_id.is_not(None),
        exists(version.where(Version.id == Comment.version_id, File.deleted_at.is_(None))),
        exists(row.where(DatasetRow.datapoint_id == Comment.datapoint_id, File.deleted_at.is_(None))),
    )


def list_mentions(
    session: Session, workspace_id: str, user_id: str, *, unread: bool, offset: int, limit: int
) -> tuple[list[tuple[Comment, datetime | None]], int]:
    """The comments that mention somebody, newest first, each with when they read it, and how many there are."""
    query = (
        select(Comment, Mention.read_at, func.count().over())
        .join(Mention, Mention.comment_id == Comment.id)
        .where(Mention.workspace_id == workspace_id, Mention.user_id == user_id, _is_there())
    )
    if unread:
        query = query.where(Mention.read_at.is_(None))
    order = query.order_by(Mention.created_at.desc(), Mention.comment_id.desc())
    rows = session.execute(order.offset(offset).limit(limit)).all()
    if not rows and offset:
        return [], session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return [(row[0], row[1]) for row in rows], rows[0][2] if rows else 0


def mark_read(
    session: Session, workspace_id: str, user_id: str, comment_ids: Sequence[str] | None = None
) -> int:
    """Note that somebody has read mentions, these or all, and how many of them were new."""
    change = update(Mention).where(
        Mention.workspace_id == workspace_id, Mention.user_id == user_id, Mention.read_at.is_(None)
    )
    if comment_ids is not None:
        change = change.where(Mention.comment_id.in_(comment_ids))
    change = change.values(read_at=func.now()).execution_options(synchronize_session=False)
    return session.execute(change).rowcount  # type: ignore[attr-defined, no-any-return]
