"""The SQL of monitoring: monitors of files, and the queue of logs to judge."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, exists, func, or_, select, text, tuple_
from sqlalchemy.orm import Session

from app.evaluations.evaluator_editor.listing import MonitorUse
from app.files.models import Deployment, Environment, File, Version
from app.logs.models import Judgment, Log
from app.monitoring.models import LogToJudge, Monitor

LEASE_S = 30.0
"""A worker that is not heard of for so long is taken for dead."""
_CHOSEN = "('x' || substr(md5(m.id || {log}), 1, 8))::bit(32)::bigint < m.sampling * 4294967296"
"""Whether a monitor takes a log: by a hash of both, so that a change of the log changes nothing."""


def list_monitors(session: Session, file_ids: Collection[str]) -> list[Monitor]:
    """The monitors of files, oldest first."""
    query = select(Monitor).where(Monitor.file_id.in_(file_ids)).order_by(Monitor.created_at, Monitor.id)
    return list(session.scalars(query))


def list_uses(session: Session, evaluator_ids: Sequence[str]) -> dict[str, list[MonitorUse]]:
    """Whose logs evaluators judge as they come, by the ids of the evaluators; those that judge none are left out."""
    evaluator_id = func.coalesce(Monitor.evaluator_id, Version.file_id)
    query = (
        select(
            evaluator_id, File.path, File.id, File.kind, Version.number, Environment.name, Monitor.sampling
        )
        .join(File, File.id == Monitor.file_id)
        .outerjoin(Version, Version.id == Monitor.evaluator_version_id)
        .outerjoin(Environment, Environment.id == Monitor.environment_id)
        .where(
            Monitor.active,
            File.deleted_at.is_(None),
            or_(Monitor.evaluator_id.in_(evaluator_ids), Version.file_id.in_(evaluator_ids)),
        )
        .order_by(File.path, Monitor.id)
    )
    found: dict[str, list[MonitorUse]] = {}
    for row in session.execute(query):
        found.setdefault(row[0], []).append(MonitorUse(*row[1:]))
    return found


def find_monitor(
    session: Session,
    file_id: str,
    evaluator_version_id: str | None,
    evaluator_id: str | None,
    environment_id: str | None,
) -> Monitor | None:
    query = select(Monitor).where(Monitor.file_id == file_id)
    if evaluator_version_id:
        return session.scalar(query.where(Monitor.evaluator_version_id == evaluator_version_id))
    return session.scalar(
        query.where(Monitor.evaluator_id == evaluator_id, Monitor.environment_id == environment_id)
    )


def deployed_of(session: Session, monitors: Sequence[Monitor]) -> dict[str, str]:
    """The id of the evaluator version that runs where each monitor says, by the monitor's id."""
    places = {(one.evaluator_id, one.environment_id) for one in monitors if one.evaluator_id}
    if not places:
        return {}
    query = select(Deployment.file_id, Deployment.environment_id, Deployment.version_id).where(
        tuple_(Deployment.file_id, Deployment.environment_id).in_(places), Deployment.ended_at.is_(None)
    )
    running = {(row[0], row[1]): row[2] for row in session.execute(query)}
    found = {one.id: running.get((one.evaluator_id or "", one.environment_id or "")) for one in monitors}
    return {monitor_id: version_id for monitor_id, version_id in found.items() if version_id}


def find_monitor_of(session: Session, file_id: str, monitor_id: str) -> Monitor | None:
    return session.scalar(select(Monitor).where(Monitor.file_id == file_id, Monitor.id == monitor_id))


class Waiting(NamedTuple):
    """Logs of a file that its monitors have not judged yet."""

    logs: int
    since: datetime | None
    """When the first of them came."""
    more: bool
    """Whether there may be more: only so much of the queue is looked at."""


LOOKED_AT = 5_000
"""Logs of a workspace's queue that are looked at to tell how many of a file wait."""
_WAITING = text("""
    select count(l.id), min(q.queued_at) filter (where l.id is not null), count(*) > :most
    from (select log_id, queued_at from log_to_judge where workspace_id = :workspace limit :most + 1) q
    left join log l on l.id = q.log_id and l.file_id = :file
""")


def count_waiting(session: Session, workspace_id: str, file_id: str) -> Waiting:
    """How many logs of a file wait to be judged."""
    values = {"workspace": workspace_id, "file": file_id, "most": LOOKED_AT}
    return Waiting(*session.execute(_WAITING, values).one())


_QUEUE = text(f"""
    insert into log_to_judge (log_id, workspace_id)
    select l.id, l.workspace_id from log l
    where l.id = any(:logs) and exists (
        select from monitor m where m.file_id = l.file_id and m.active and {_CHOSEN.format(log="l.id")})
    order by l.id
    on conflict (log_id) do update set revision = log_to_judge.revision + 1, queued_at = now(), owner = null,
        claimed_until = null, attempts = 0
""")  # noqa: S608 - the condition above


def queue(session: Session, log_ids: Sequence[str]) -> int:
    """Put logs of monitored files into the queue; how many that were."""
    return session.execute(_QUEUE, {"logs": list(log_ids)}).rowcount  # type: ignore[attr-defined, no-any-return]


_ANY_MONITORED = text("select exists (select from monitor where file_id = any(:files) and active)")


def are_monitored(session: Session, file_ids: Collection[str]) -> bool:
    """Whether a log of any of the files may have to be judged."""
    return bool(session.scalar(_ANY_MONITORED, {"files": list(file_ids)}))


_MONITORED = text("select distinct file_id from monitor where file_id = any(:files)")


def monitored_among(session: Session, file_ids: Collection[str]) -> set[str]:
    """Those of the files that have monitors, active or not."""
    return set(session.scalars(_MONITORED, {"files": list(file_ids)}))


class Claimed(NamedTuple):
    """A log that is this worker's to judge."""

    log_id: str
    revision: int
    attempts: int
    """How often a worker took it, this time included."""


_CLAIM = text("""
    update log_to_judge set owner = :owner, attempts = attempts + 1,
        claimed_until = clock_timestamp() + make_interval(secs => :lease)
    where log_id in (
        select log_id from log_to_judge where claimed_until is null or claimed_until < clock_timestamp()
        order by queued_at limit :most for update skip locked)
    returning log_id, revision, attempts
""")


def claim(session: Session, owner: str, most: int) -> list[Claimed]:
    """Take up to `most` logs that nobody is at, those that wait longest."""
    rows = session.execute(_CLAIM, {"owner": owner, "lease": LEASE_S, "most": most})
    return [Claimed(*row) for row in rows]


def renew(session: Session, owner: str) -> None:
    """Say that the worker is still at what it took."""
    statement = text("""
        update log_to_judge set claimed_until = clock_timestamp() + make_interval(secs => :lease) where owner = :owner
    """)
    session.execute(statement, {"owner": owner, "lease": LEASE_S})


def settle(session: Session, owner: str, claimed: Sequence[Claimed]) -> set[str]:
    """Take out of the queue what is judged: the ids of those that nobody changed or took meanwhile."""
    query = delete(LogToJudge).where(
        LogToJudge.owner == owner,
        tuple_(LogToJudge.log_id, LogToJudge.revision).in_([(one.log_id, one.revision) for one in claimed]),
    )
    return set(session.scalars(query.returning(LogToJudge.log_id)))


def waits(session: Session) -> bool:
    """Whether a log waits that no worker is at."""
    due = or_(LogToJudge.claimed_until.is_(None), LogToJudge.claimed_until < func.clock_timestamp())
    return bool(session.scalar(select(exists().where(due))))


class Watched(NamedTuple):
    """A log, and a monitor that is to judge it."""

    log: Log
    monitor: Monitor


def list_watched(session: Session, log_ids: Sequence[str]) -> list[Watched]:
    """The logs with the active monitors that take them."""
    chosen = text(_CHOSEN.format(log="log.id").replace("m.", "monitor."))
    query = (
        select(Log, Monitor)
        .join(Monitor, Monitor.file_id == Log.file_id)
        .where(Log.id.in_(log_ids), Monitor.active, chosen)
        .order_by(Log.id, Monitor.id)
    )
    return [Watched(*row) for row in session.execute(query)]


def find_evaluators(session: Session, version_ids: Collection[str]) -> dict[str, Version]:
    """Versions of evaluators by their ids; those of deleted evaluators are left out."""
    query = select(Version).join(File).where(Version.id.in_(version_ids), File.deleted_at.is_(None))
    return {one.id: one for one in session.scalars(query)} if version_ids else {}


def forget_judgments(session: Session, judged: Collection[tuple[str, str]]) -> None:
    """Delete what an evaluator's version said of a log before, for each pair of a log's and a version's id."""
    if judged:
        pair = tuple_(Judgment.log_id, Judgment.evaluator_version_id)
        session.execute(delete(Judgment).where(pair.in_(judged), Judgment.author == ""))


def judging_versions(session: Session, file_ids: Collection[str]) -> dict[str, list[str]]:
    """The ids of the evaluator versions that judge each file's logs now, oldest monitor first."""
    monitors = [one for one in list_monitors(session, file_ids) if one.active]
    running = deployed_of(session, monitors)
    found: dict[str, list[str]] = {}
    for one in monitors:
        version_id = one.evaluator_version_id or running.get(one.id)
        if version_id:
            found.setdefault(one.file_id, []).append(version_id)
    return found
