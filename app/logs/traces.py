"""Traces: which one a new log belongs to, and the logs of one as a tree."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, about
from app.logs import trace_repository
from app.logs.models import Log
from app.logs.records import LogRecord
from app.logs.trace_repository import Parent

DEEPEST = 50
"""Levels that are shown of a trace; what is nested deeper is shown at the last of them."""
MOST_SHOWN = 10_000
"""Logs of one trace that are shown, the oldest first."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What has to change in the database, once the logs are written, for all of a trace to be one."""

    begun: set[str]
    """Logs that are the roots of traces now."""
    moved: dict[str, str]
    """Traces that are part of another one now."""


def check_parent(session: Session, workspace_id: str, parent_id: str | None, log_id: str | None) -> None:
    """Refuse a log that could not be nested under that parent, before what it is of takes place.

    Raises:
        Invalid: it would be nested under itself.
        Conflict: the trace is complete.
    """
    if parent_id is None:
        return
    if parent_id == log_id:
        raise _under_itself()
    if parent := trace_repository.find_parents(session, workspace_id, [parent_id]).get(parent_id):
        _refuse_closed(parent)


def _under_itself() -> Invalid:
    return Invalid("A log cannot be nested under itself.", fields={"trace_parent_id": "Name another log."})


def _refuse_closed(parent: Parent) -> None:
    if parent.closed_by:
        raise Conflict(f"The log {parent.closed_by} is complete, so no more logs can be added to its trace.")


def find_place(
    session: Session,
    workspace_id: str,
    records: Sequence[LogRecord | Log],
    roots: Collection[str],
    chosen: Collection[str],
    *,
    late: bool = False,
) -> Joined:
    """Give each of the records its trace. To be followed, once they are written, by `settle`.

    `roots` are those that begin a trace by themselves, `chosen` those whose ids callers chose, and may have told others.
    `late` logs were let in by `check_parent` while their trace was open.

    Raises:
        Invalid: a log is nested under itself.
        Conflict: a trace is complete, and the logs are not late.
    """
    own = {record.id for record in records}
    outside = {record.parent_id for record in records if record.parent_id and record.parent_id not in own}
    parents = trace_repository.find_parents(session, workspace_id, outside)
    unknown = outside - set(parents)
    trace_repository.take_turns(session, workspace_id, unknown | set(chosen))
    parents |= trace_repository.find_parents(session, workspace_id, unknown)
    awaited = trace_repository.find_awaited(session, workspace_id, chosen)
    return join(records, parents, {*roots, *awaited}, awaited, late=late)


def join(
    records: Sequence[LogRecord | Log],
    parents: Mapping[str, Parent],
    roots: Collection[str],
    awaited: Collection[str],
    *,
    late: bool = False,
) -> Joined:
    """As `find_place`, of what was found."""
    own = {record.id: record for record in records}
    with_children = {record.parent_id for record in records} | set(roots)
    begun = set[str]()
    for number, record in enumerate(records):
        if record.parent_id == record.id:
            with about(number):
                raise _under_itself()
        top = _top(record, own)
        parent = parents.get(top.parent_id or "")
        if parent is None:
            loose = top.parent_id is None or top.parent_id in own
            record.trace_id = (top.id if top.id in with_children else None) if loose else top.parent_id
            continue
        if not late:
            with about(number):
                _refuse_closed(parent)
        record.trace_id = parent.trace_id or parent.id
        if parent.trace_id is None:
            begun.add(parent.id)
    moved = {id_: trace for id_ in awaited if (trace := own[id_].trace_id) and trace != id_}
    return Joined(begun, moved)


def _top(record: LogRecord | Log, own: Mapping[str, LogRecord | Log]) -> LogRecord | Log:
    """The uppermost of the new logs that a record is nested under, itself if there is none."""
    seen = {record.id}
    while (above := own.get(record.parent_id or "")) and above.id not in seen:
        record = above
        seen.add(record.id)
    return record


def settle(session: Session, workspace_id: str, joined: Joined) -> None:
    """Change the logs that were there before: see `find_place`."""
    trace_repository.begin_traces(session, workspace_id, joined.begun)
    for trace_id, to in joined.moved.items():
        trace_repository.move_trace(session, workspace_id, trace_id, to)


class InTrace(Protocol):
    """A log, as far as it tells where it stands in its trace."""

    @property
    def id(self) -> str: ...
    @property
    def parent_id(self) -> str | None: ...


Found = TypeVar("Found", bound=InTrace)


@dataclass(frozen=True, slots=True)
class Placed(Generic[Found]):
    """A log in the tree below another one."""

    log: Found
    above: str
    """The id of the log that it is shown under."""


def below(root_id: str, logs: Iterable[Found]) -> list[Placed[Found]]:
    """The logs of a trace that are nested under one of them, each after the one that it is shown under, once each."""
    children: dict[str, list[Found]] = {}
    for log in logs:
        children.setdefault(log.parent_id or "", []).append(log)
    placed: list[Placed[Found]] = []
    seen, level = {root_id}, [(root_id, root_id, 1)]
    while level:
        deeper: list[tuple[str, str, int]] = []
        for log_id, shown_under, depth in level:
            for child in children.get(log_id, []):
                if child.id not in seen:  # callers choose ids: they can nest logs in a circle
                    seen.add(child.id)
                    placed.append(Placed(child, shown_under))
                    deeper.append((child.id, child.id if depth < DEEPEST else shown_under, depth + 1))
        level = deeper
    return placed
