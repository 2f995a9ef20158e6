"""The SQL of lists of logs, and of judgments as the logs of evaluators: filtered, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from app.files.models import Version
from app.logs.models import Judgment, Log

_SAMPLED_FROM = 100_000
"""A sample is taken from so many of the newest that match: looking through millions would take too long."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs of a file are meant; what is None or empty leaves none out."""

    version_id: str | None = None
    ids: Sequence[str] = ()
    """Parts of ids, one of which is in the log's."""
    search: str | None = None
    """In inputs and output; of judgments, in what was judged and why."""
    metadata: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    in_trace: bool | None = None
    sample: int | None = None
    """At most so many, chosen by chance, but the same ones every time."""

    @property
    def is_whole(self) -> bool:
        """Whether every log of the file is meant."""
        return self == LogFilter()


def list_newest(session: Session, workspace_id: str, file_id: str, limit: int) -> list[Log]:
    """The newest logs of a file."""
    query = select(Log).where(*_of_logs(workspace_id, file_id, LogFilter()))
    return list(session.scalars(_page(query, Log, LogFilter(), 0, limit)))


def list_log_ids(
    session: Session, workspace_id: str, file_id: str, wanted: LogFilter, *, offset: int, limit: int
) -> list[str]:
    """The logs of a file, newest first."""
    query = select(Log.id).where(*_of_logs(workspace_id, file_id, wanted))
    return list(session.scalars(_page(query, Log, wanted, offset, limit)))


def count_logs(session: Session, workspace_id: str, file_id: str, wanted: LogFilter, *, most: int) -> int:
    """How many logs match, counted no further than `most`."""
    return _count(session, select(Log.id).where(*_of_logs(workspace_id, file_id, wanted)), wanted, most)


def list_judgment_ids(
    session: Session, workspace_id: str, file_id: str, wanted: LogFilter, *, offset: int, limit: int
) -> list[str]:
    """The judgments by an evaluator, newest first."""
    query = select(Judgment.id).where(*_of_judgments(workspace_id, file_id, wanted))
    return list(session.scalars(_page(query, Judgment, wanted, offset, limit)))


def find_judgments(session: Session, workspace_id: str, judgment_ids: Sequence[str]) -> list[Judgment]:
    """Judgments with these ids, in their order."""
    query = select(Judgment).where(Judgment.workspace_id == workspace_id, Judgment.id.in_(judgment_ids))
    found = {each.id: each for each in session.scalars(query)}
    return [found[each] for each in judgment_ids if each in found]


def count_judgments(
    session: Session, workspace_id: str, file_id: str, wanted: LogFilter, *, most: int
) -> int:
    """How many judgments match, counted no further than `most`."""
    query = select(Judgment.id).where(*_of_judgments(workspace_id, file_id, wanted))
    return _count(session, query, wanted, most)


def _of_logs(workspace_id: str, file_id: str, wanted: LogFilter) -> list[ColumnElement[bool]]:
    found = [Log.workspace_id == workspace_id, Log.file_id == file_id]
    if wanted.version_id:
        found.append(Log.version_id == wanted.version_id)
    if wanted.search:
        found.append(_contains(wanted.search, cast(Log.inputs, String), Log.output))
    if wanted.metadata:
        found.append(_contains(wanted.metadata, cast(Log.details, String)))
    if wanted.in_trace is not None:
        found.append(Log.trace_id.is_not(None) if wanted.in_trace else Log.trace_id.is_(None))
    return found + _of_both(Log, wanted)


def _of_judgments(workspace_id: str, file_id: str, wanted: LogFilter) -> list[ColumnElement[bool]]:
    versions = select(Version.id).where(Version.file_id == file_id)
    found = [Judgment.workspace_id == workspace_id, Judgment.evaluator_version_id.in_(versions)]
    if wanted.version_id:
        found.append(Judgment.evaluator_version_id == wanted.version_id)
    if wanted.search:
        found.append(_contains(wanted.search, Judgment.text_value, Judgment.rationale))
    if wanted.metadata:
        found.append(_contains(wanted.metadata, cast(Judgment.detail["metadata"], String)))
    return found + _of_both(Judgment, wanted)


def _of_both(table: type[Log | Judgment], wanted: LogFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.ids:
        found.append(or_(*(table.id.contains(part, autoescape=True) for part in wanted.ids)))
    if wanted.since:
        found.append(table.created_at >= wanted.since)
    if wanted.until:
        found.append(table.created_at <= wanted.until)
    return found


def _contains(said: str, *columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    return or_(*(column.icontains(said, autoescape=True) for column in columns))


def _page(
    query: Select[Any], table: type[Log | Judgment], wanted: LogFilter, offset: int, limit: int
) -> Select[Any]:
    newest = table.created_at.desc(), table.id.desc()
    if wanted.sample is not None:
        among = query.with_only_columns(table.id).order_by(*newest).limit(_SAMPLED_FROM).subquery()
        chosen = select(among.c.id).order_by(func.md5(among.c.id), among.c.id).limit(wanted.sample)
        query = query.where(table.id.in_(chosen))
    return query.order_by(*newest).offset(offset).limit(limit)


def _count(session: Session, query: Select[Any], wanted: LogFilter, most: int) -> int:
    if wanted.sample is not None:
        most = min(most, wanted.sample)
    return session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0
