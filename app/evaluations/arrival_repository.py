"""The SQL of outputs that come from elsewhere: which row of which run a log is the output of."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.evaluations.models import EVALUATED, MOST_ITEMS


def give_output(
    session: Session, workspace_id: str, run_id: str, datapoint_id: str, log_id: str, *, named: bool = True
) -> int | None:
    """Make a log the output of a row that has none; the item's position, None where every repeat has one.

    A row that was ended because nothing came is opened again. A log that is `named` as the row's takes the place of one
    that was only taken for it, unless the run takes any log.
    """
    # One after the other: of two logs of a row, each is to see which repeat the other took. And whoever ends what is
    # missing holds the run first, too.
    of = text("select id from run where id = :run and workspace_id = :workspace for update")
    if session.scalar(of, {"run": run_id, "workspace": workspace_id}) is None:
        return None
    position: int | None = session.scalar(
        text("""
        with free as (
            select i.position, i.state, i.error from run_item i join run r on r.id = i.run_id
            left join log taken on taken.id = i.log_id
            where i.run_id = :run and i.datapoint_id = :datapoint and not r.orchestrated
              and (i.log_id is null or (:named and not i.reused and taken.run_id is null
                   and r.dataset_version_id is not null and r.version_id is not null))
              and r.status <> 'cancelled' and r.workspace_id = :workspace
              and not exists (select from run_item o where o.run_id = i.run_id and o.log_id = :log)
            order by i.log_id is not null, i.repeat limit 1 for update of i
        ), given as (
            update run_item i set log_id = :log, state = 'pending', error = null from free
            where i.run_id = :run and i.position = free.position
        ), counted as (
            update run set progressed_at = now(), finished_at = null, scored_at = null,
                end_requested_at = null,
                status = case status when 'completed' then 'running' else status end,
                done_count = done_count - (free.state = 'done')::int,
                failed_count = failed_count - (free.state = 'done' and free.error is not null)::int
            from free where run.id = :run
        )
        select position from free
        """),
        {"run": run_id, "datapoint": datapoint_id, "log": log_id, "workspace": workspace_id, "named": named},
    )
    return position


def append_output(session: Session, workspace_id: str, run_id: str, log_id: str) -> int | None:
    """Make a log a row of its own, the last one of a run that takes any log; the item's position, None where the run takes
    none, has this one already, or is of another file, or where the log is of no file that is evaluated.

    It is of the datapoint that it names, where there is one, as one repeat more; else its own id stands for the row.
    """
    of = text("select id from run where id = :run and workspace_id = :workspace for update")
    if session.scalar(of, {"run": run_id, "workspace": workspace_id}) is None:
        return None
    position: int | None = session.scalar(
        text("""
        with free as (
            select l.id, coalesce(d.id, l.id) as row, d.id is not null as is_known from run r
            join log l on l.id = :log and l.workspace_id = r.workspace_id
            join file f on f.id = l.file_id
            left join version v on v.id = r.version_id
            left join datapoint d on d.id = l.datapoint_id and d.workspace_id = r.workspace_id
            where r.id = :run and not r.orchestrated and r.status <> 'cancelled'
              and (r.dataset_version_id is null or r.version_id is null) and r.items_count < :most
              and f.kind = any(:kinds) and (v.id is null or v.file_id = l.file_id)
              and not exists (select from run_item o where o.run_id = r.id and o.log_id = l.id)
        ), placed as (
            insert into run_item (run_id, position, datapoint_id, repeat, log_id)
            select :run, (select coalesce(max(position) + 1, 0) from run_item where run_id = :run), row,
                   case when is_known then (
                       select coalesce(max(repeat) + 1, 0) from run_item i where i.run_id = :run and i.datapoint_id = row
                   ) else 0 end, id
            from free returning position
        ), counted as (
            update run set items_count = items_count + 1, progressed_at = now(), finished_at = null, scored_at = null,
                end_requested_at = null,
                status = case status when 'completed' then 'running' else status end
            from placed where run.id = :run
        )
        select position from placed
        """),
        {"run": run_id, "log": log_id, "kinds": [str(kind) for kind in EVALUATED], "most": MOST_ITEMS},
    )
    return position


def name_subject(session: Session, run_id: str, log_id: str) -> None:
    """Let the evaluation of a run be about the file of a log, where nobody has said what it is about, and no other evaluation
    of that file has its name."""
    statement = text("""
        update evaluation e set file_id = l.file_id
        from run r, file held, log l
        where r.id = :run and l.id = :log and e.id = r.evaluation_id and held.id = e.file_id and held.kind = 'evaluator'
          and not exists (select from evaluation o where o.file_id = l.file_id and o.name = e.name)
    """)
    session.execute(statement, {"run": run_id, "log": log_id})


def has_log(session: Session, run_id: str, log_id: str) -> bool:
    """Whether a row of the run came to this log."""
    query = "select exists (select from run_item where run_id = :run and log_id = :log)"
    return bool(session.scalar(text(query), {"run": run_id, "log": log_id}))


def runs_that_wait_for(session: Session, log_ids: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """The open runs, and the row, that each of the logs may be the output of: runs of its version whose outputs come from
    elsewhere, and in which its datapoint has no output yet. What somebody tries in the editor is no output of theirs."""
    rows = session.execute(
        text("""
        select l.id, r.id, l.datapoint_id from log l
        join run r on r.version_id = l.version_id and r.workspace_id = l.workspace_id
        where l.id = any(:logs) and l.source is distinct from 'editor' and r.status in ('pending', 'running') and not r.orchestrated
          and exists (
              select from run_item i
              where i.run_id = r.id and i.datapoint_id = l.datapoint_id and i.log_id is null)
        order by r.id
        """),
        {"logs": list(log_ids)},
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for log_id, run_id, datapoint_id in rows:
        found.setdefault(log_id, []).append((run_id, datapoint_id))
    return found


def items_of(session: Session, log_id: str) -> list[tuple[str, int]]:
    """The pending items, by run and position, of runs whose outputs come from elsewhere, that wait for this log."""
    rows = session.execute(
        text("""
        select i.run_id, i.position from run_item i join run r on r.id = i.run_id
        where i.log_id = :log and i.state = 'pending' and not r.orchestrated and r.status in ('pending', 'running')
          and not exists (
              select from shard s where s.run_id = i.run_id and s.state in ('queued', 'running')
                and s.first <= i.position and i.position < s.until)
        order by i.run_id, i.position
        """),
        {"log": log_id},
    )
    return [(row[0], row[1]) for row in rows]


def flows_with_open_runs(session: Session, version_ids: Collection[str]) -> set[str]:
    """Those of the versions that are a flow's and have a run which waits for outputs from elsewhere."""
    rows = session.scalars(
        text("""
        select r.version_id from run r join version v on v.id = r.version_id join file f on f.id = v.file_id
        where r.version_id = any(:versions) and r.status in ('pending', 'running') and not r.orchestrated
          and f.kind = 'flow'
        """),
        {"versions": list(version_ids)},
    )
    return set(rows)


def find_unfilled(session: Session, version_id: str, log_id: str) -> tuple[str, str] | None:
    """The run and row that a log without a name of either can only be of; None where there is none, or several.

    That is the one open run of the version, and in it the one row without an output that has the log's inputs.
    """
    rows = session.execute(
        text("""
        with open as (
            select id from run where version_id = :version and status in ('pending', 'running') and not orchestrated
              and dataset_version_id is not null
            limit 2
        )
        select distinct i.run_id, i.datapoint_id from run_item i
        join datapoint d on d.id = i.datapoint_id join log l on l.id = :log
        where i.run_id = (select min(id) from open having count(*) = 1) and i.log_id is null
          and d.inputs = coalesce(l.inputs, '{}')
        limit 2
        """),
        {"version": version_id, "log": log_id},
    ).all()
    return (rows[0][0], rows[0][1]) if len(rows) == 1 else None


def give_known_outputs(session: Session, run_id: str) -> int:
    """Give each row of a new run that has no output the newest whole one that there is of its version; how many there were."""
    result = session.execute(
        text("""
        with known as (
            select distinct on (i.position) i.position, l.id from run_item i join run r on r.id = i.run_id
            join log l on l.version_id = r.version_id and l.datapoint_id = i.datapoint_id and l.repeat = i.repeat
            where i.run_id = :run and i.log_id is null and l.status = 'complete' and l.error is null and l.payload_cleared_at is null
              and l.workspace_id = r.workspace_id
            order by i.position, l.created_at desc, l.id desc
        )
        update run_item i set log_id = known.id, reused = true from known
        where i.run_id = :run and i.position = known.position
        """),
        {"run": run_id},
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]
