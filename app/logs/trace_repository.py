"""The SQL of traces: the parents of new logs, and the logs that came before their parents."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Subquery, func, select, text, update
from sqlalchemy.orm import Session, defer

from app.logs.models import Log

_TURNS = 7401
"""Whose advisory locks these are."""
_LOCKS = 128


class Parent(NamedTuple):
    """A log that others are nested under."""

    id: str
    trace_id: str | None
    closed_by: str | None
    """The flow log, it or the root of its trace, that is complete and takes no more."""


def find_parents(session: Session, workspace_id: str, log_ids: Collection[str]) -> dict[str, Parent]:
    """Those of the logs that are there."""
    if not log_ids:
        return {}
    statement = text("""
        select l.id, l.trace_id, case
            when l.status = 'complete' and f.kind = 'flow' then l.id
            when r.status = 'complete' and g.kind = 'flow' then r.id end
        from log l left join file f on f.id = l.file_id
        left join log r on r.id = l.trace_id and r.workspace_id = l.workspace_id
        left join file g on g.id = r.file_id
        where l.workspace_id = :workspace and l.id = any(:ids)
    """)
    rows = session.execute(statement, {"workspace": workspace_id, "ids": list(log_ids)})
    return {row[0]: Parent(*row) for row in rows}


def take_turns(session: Session, workspace_id: str, log_ids: Collection[str]) -> None:
    """Until the end of the transaction, be the only one who writes a log with one of these ids, or under one of them.

    A log and its parent may be written at the same moment: whoever comes second must see the other.
    """
    if log_ids:
        # Ids share locks: the database has room for a few thousand in all.
        statement = text("""
            select pg_advisory_xact_lock(:turns, key) from (
                select distinct abs(hashtext(:workspace || ' ' || id) % :locks) as key
                from unnest(cast(:ids as text[])) as id order by key) as keys
        """)
        values = {"turns": _TURNS, "locks": _LOCKS, "workspace": workspace_id, "ids": list(log_ids)}
        session.execute(statement, values)


def find_awaited(session: Session, workspace_id: str, log_ids: Collection[str]) -> set[str]:
    """Those of the ids under which logs are nested already, though the log with the id was not there yet."""
    if not log_ids:
        return set()
    query = select(Log.trace_id).where(Log.trace_id.in_(log_ids), Log.workspace_id == workspace_id)
    return {trace_id for trace_id in session.scalars(query.distinct()) if trace_id}


def begin_traces(session: Session, workspace_id: str, log_ids: Collection[str]) -> None:
    """Make logs the roots of traces."""
    if log_ids:
        which = Log.id.in_(log_ids), Log.workspace_id == workspace_id, Log.trace_id.is_(None)
        session.execute(update(Log).where(*which).values(trace_id=Log.id))


def move_trace(session: Session, workspace_id: str, trace_id: str, to: str) -> None:
    """Let all logs of a trace be part of another: its root has turned out to be nested there."""
    which = Log.trace_id == trace_id, Log.workspace_id == workspace_id
    session.execute(update(Log).where(*which).values(trace_id=to))


_HEAVY = (Log.inputs, Log.messages, Log.output, Log.output_message, Log.details, Log.provider_request, Log.provider_response, Log.stdout)  # fmt: skip
"""What may be of megabytes, and is read of the log that is looked at alone."""


def find_traces(
    session: Session, workspace_id: str, trace_ids: Collection[str], most: int, *, light: bool = False
) -> dict[str, list[Log]]:
    """The oldest `most` logs of each of the traces, by the traces' ids, in the order in which they took place; `light`
    ones without their texts, unless those were read before in this session."""
    if not trace_ids:
        return {}
    ranked = _ranked(workspace_id, trace_ids)
    query = select(Log).join(ranked, ranked.c.id == Log.id).where(ranked.c.rank <= most)
    if light:
        query = query.options(*(defer(column, raiseload=True) for column in _HEAVY))
    found: dict[str, list[Log]] = {}
    for log in session.scalars(query.order_by(Log.created_at, Log.id)):
        found.setdefault(log.trace_id or "", []).append(log)
    return found


def _ranked(workspace_id: str, trace_ids: Collection[str]) -> Subquery:
    """The logs of traces, each with its `rank` in its own: the oldest is the first."""
    rank = func.row_number().over(partition_by=Log.trace_id, order_by=(Log.created_at, Log.id)).label("rank")
    of_traces = Log.trace_id.in_(trace_ids), Log.workspace_id == workspace_id
    return select(Log.id, Log.trace_id, Log.parent_id, rank).where(*of_traces).subquery()


class Member(NamedTuple):
    """A log of a trace, as far as it tells where it stands."""

    id: str
    parent_id: str | None


def find_members(
    session: Session, workspace_id: str, trace_ids: Collection[str], most: int
) -> dict[str, list[Member]]:
    """The oldest `most` logs of each of the traces, by the traces' ids, in the order in which they took place."""
    found: dict[str, list[Member]] = {trace_id: [] for trace_id in trace_ids}
    ranked = _ranked(workspace_id, trace_ids)
    query = select(ranked.c.trace_id, ranked.c.id, ranked.c.parent_id).where(ranked.c.rank <= most)
    for trace_id, log_id, parent_id in session.execute(query.order_by(ranked.c.trace_id, ranked.c.rank)):
        found[trace_id].append(Member(log_id, parent_id))
    return found


def find_trace_ids(session: Session, workspace_id: str, log_ids: Collection[str]) -> dict[str, str]:
    """The traces that logs are part of, by the logs' ids."""
    query = select(Log.id, Log.trace_id).where(Log.workspace_id == workspace_id, Log.id.in_(log_ids))
    return {log_id: trace_id for log_id, trace_id in session.execute(query) if trace_id}


def find_light(session: Session, workspace_id: str, log_id: str) -> Log | None:
    """A log without its texts, unless those were read before in this session."""
    query = select(Log).where(Log.id == log_id, Log.workspace_id == workspace_id)
    return session.scalar(query.options(*(defer(column, raiseload=True) for column in _HEAVY)))


def find_root_files(session: Session, workspace_id: str, trace_ids: Collection[str]) -> dict[str, str]:
    """The file of the log at the root of each trace, where that log is there."""
    if not trace_ids:
        return {}
    query = select(Log.id, Log.file_id).where(Log.id.in_(trace_ids), Log.workspace_id == workspace_id)
    return dict(session.execute(query).all())
