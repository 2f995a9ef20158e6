"""The SQL of evaluations that stop as soon as it is clear: how far their random order is done, and the end of their runs."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session


def done_before(session: Session, run_ids: Sequence[str], seed: str) -> bytes | None:
    """The place, in the random order, of the first row that one of the runs has not done; None where all are done."""
    found: bytes | None = session.scalar(
        text("""
        select sha256(convert_to(cast(:seed as text) || datapoint_id, 'UTF8')) as place from run_item
        where run_id = any(:runs) and state <> 'done' order by 1 limit 1
        """),
        {"runs": list(run_ids), "seed": seed},
    )
    return found


def share_among(session: Session, evaluation_id: str, comparisons: int) -> None:
    """Note how many candidates the runs of an evaluation are compared in, and never fewer than were: those that are gone were
    looked at. Always in one order, for others wait for them."""
    session.execute(
        text("""
        update run set comparisons = :comparisons where id in (
            select id from run where evaluation_id = :evaluation and stops_by is not null and comparisons < :comparisons
            order by id for update)
        """),
        {"evaluation": evaluation_id, "comparisons": comparisons},
    )


def mark_clear(session: Session, run_ids: Sequence[str], rows: int) -> list[str]:
    """Begin no further row of runs that go on, because it was clear after so many; those that had not been marked."""
    marked = session.scalars(
        text("""
        update run set clear_after = :rows, cancel_requested_at = now() where id in (
            select id from run where id = any(:runs) and status in ('pending', 'running') and clear_after is null
            order by id for update)
        returning id
        """),
        {"runs": list(run_ids), "rows": rows},
    )
    return sorted(marked)


def end_clear(session: Session, run_id: str) -> bool:
    """End a run that is clear once nobody works on it; True for the one caller that ended it. Rows not run stay without a result,
    and are counted as left."""
    ended = session.scalar(
        text("""
        update run r set status = 'completed', finished_at = now()
        where r.id = :run and r.status in ('pending', 'running')
          and r.clear_after is not null and r.cancel_requested_at is not null
          and not exists (select from shard s where s.run_id = r.id and s.state = 'running')
        returning r.id
        """),
        {"run": run_id},
    )
    if ended:
        session.execute(
            text("update shard set state = 'cancelled' where run_id = :run and state = 'queued'"),
            {"run": run_id},
        )
        session.execute(
            text("""
            update run set left_count = i.rows, left_reused_count = i.reused, left_at = finished_at
            from (select count(*) as rows, count(*) filter (where reused) as reused from run_item
                  where run_id = :run and state = 'pending') i
            where id = :run
            """),
            {"run": run_id},
        )
    return ended is not None


def keep_left(session: Session, run_id: str) -> None:
    """Have nobody work on the rows that a locked run left, while it is open again for others: those that are pending when it is
    opened for the first time."""
    session.execute(
        text("""
        update run_item set state = 'left' where run_id = :run and state = 'pending'
          and not exists (select from run_item where run_id = :run and state = 'left')
        """),
        {"run": run_id},
    )


def take_up_left(session: Session, run_id: str) -> None:
    """Have the rows that a locked run left run all the same."""
    session.execute(
        text("update run_item set state = 'pending' where run_id = :run and state = 'left'"), {"run": run_id}
    )
    session.execute(
        text("update run set left_count = 0, left_reused_count = 0, left_at = null where id = :run"),
        {"run": run_id},
    )


def clear_runs(session: Session) -> list[str]:
    """Runs that are clear and have not ended."""
    query = """
        select id from run
        where status in ('pending', 'running') and clear_after is not null and cancel_requested_at is not null
    """
    return list(session.scalars(text(query)))


def quiet_evaluations(session: Session, quiet: timedelta) -> list[tuple[str, str]]:
    """Evaluations with runs that go on until it is clear, and to which nothing was added for so long; each with what tells
    whether something was added since."""
    rows = session.execute(
        text("""
        select evaluation_id, string_agg(id || ' ' || done_count, ',' order by id) from run
        where status in ('pending', 'running') and stops_by is not null and clear_after is null
        group by 1 having max(coalesce(progressed_at, created_at)) < now() - cast(:quiet as interval)
        """),
        {"quiet": quiet},
    )
    return [(row[0], row[1]) for row in rows]
