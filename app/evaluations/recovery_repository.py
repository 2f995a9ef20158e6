"""The SQL of recovery: what is lost, what was never sent, what only needs to be ended."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.evaluations.shard_repository import LEASE_S, MOST_LOSSES, RESEND_S, WANTS_WORK, create_shards

_STRANDED_SHARD = 50
_SILENT_FOR = "coalesce(r.progressed_at, r.created_at) < now() - make_interval(secs => :silence)"
_HAS_ITS_OUTPUTS = """r.status in ('pending', 'running')
          and not exists (select from run_item i where i.run_id = r.id and i.state = 'pending')"""
"""Of a run `r` that goes on: all rows have their output, and the server's verdicts."""


def extend_leases(session: Session) -> None:
    """Give every worker the time of a lease from now on to be heard of again."""
    session.execute(
        text("""
        update shard set lease_until = clock_timestamp() + make_interval(secs => :lease) where id in (
            select id from shard where state = 'running' and lease_until < now() for update skip locked)
        """),
        {"lease": LEASE_S},
    )


def requeue_expired(session: Session, forgiven_s: float = 0) -> list[str]:
    """Put shards whose lease ran out, `forgiven_s` ago or earlier, back into the queue, and count the loss on their
    pending items."""
    rows = session.execute(
        text("""
        with expired as (
            select s.id from shard s join run r on r.id = s.run_id
            where s.state = 'running' and s.lease_until < now() - make_interval(secs => :forgiven)
              and r.status in ('pending', 'running')
            for update of s skip locked
        ), back as (
            update shard set state = 'queued', owner = null, lease_until = null, queued_at = now()
            where id in (select id from expired) returning id, run_id, first, until
        ), counted as (
            update run_item i set losses = losses + 1 from back b
            where i.run_id = b.run_id and i.position >= b.first and i.position < b.until and i.state = 'pending'
        )
        select id from back
        """),
        {"forgiven": forgiven_s},
    )
    return [row[0] for row in rows]


def reach(session: Session) -> None:
    """Go to the database and back, once."""
    session.execute(text("select 1"))


def give_up_on_lost_items(session: Session) -> int:
    """End pending items whose worker was lost too often, with an error that says so; how many."""
    rows = session.execute(
        text("""
        with given_up as (
            update run_item i set state = 'done', error = :error
            from run r
            where r.id = i.run_id and r.status in ('pending', 'running')
              and i.state = 'pending' and i.losses >= :most
            returning i.run_id
        ), counts as (select run_id, count(*) as n from given_up group by run_id)
        update run r set done_count = done_count + counts.n, failed_count = failed_count + counts.n, progressed_at = now()
        from counts where r.id = counts.run_id
        returning counts.n
        """),
        {
            "most": MOST_LOSSES,
            "error": f"The worker was lost {MOST_LOSSES} times while it worked on this row.",
        },
    )
    return sum(row[0] for row in rows)


def take_unsent(session: Session) -> list[str]:
    """Shards that have been queued for a while without being claimed: their message is sent again."""
    return list(
        session.scalars(
            text("""
            update shard set queued_at = now()
            where id in (
                select s.id from shard s join run r on r.id = s.run_id
                where s.state = 'queued' and s.queued_at < now() - make_interval(secs => :wait)
                  and r.status in ('pending', 'running')
                for update of s skip locked)
            returning id
            """),
            {"wait": RESEND_S},
        )
    )


def reshard_stranded(session: Session) -> list[str]:
    """New shards for runs that have items to do and no shard that could do them."""
    run_ids = session.scalars(
        text(f"""
        select r.id from run r
        where {WANTS_WORK} and r.created_at < now() - interval '5 seconds'
          and exists (select from run_item i left join log l on l.id = i.log_id
                      where i.run_id = r.id and i.state = 'pending' and (r.orchestrated or l.status = 'complete'))
          and not exists (select from shard s where s.run_id = r.id and s.state in ('queued', 'running'))
        for update skip locked
        """)  # noqa: S608 - a constant
    )
    return [
        shard_id for run_id in list(run_ids) for shard_id in create_shards(session, run_id, _STRANDED_SHARD)
    ]


def runs_to_finish(session: Session, silence_s: float) -> list[str]:
    """Runs that have nothing left to do and have not ended. Those whose judgments come from
    elsewhere are given so much time after the last one."""
    rows = session.scalars(
        text(f"""
        select r.id from run r
        where (r.orchestrated or r.end_requested_at is not null or {_SILENT_FOR}) and {_HAS_ITS_OUTPUTS}
        for update skip locked
        """),  # noqa: S608 - constants
        {"silence": silence_s},
    )
    return list(rows)


def runs_with_silent_judges(session: Session, silence_s: float) -> list[str]:
    """Runs whose outputs came from elsewhere, and are all there, for which nothing has come for so long."""
    rows = session.scalars(
        text(f"""
        select r.id from run r
        where not r.orchestrated and {_SILENT_FOR} and {_HAS_ITS_OUTPUTS}
          and exists (select from run_item i where i.run_id = r.id)
        for update skip locked
        """),  # noqa: S608 - constants
        {"silence": silence_s},
    )
    return list(rows)


def is_silent_for(session: Session, run_id: str, silence_s: float) -> bool:
    """Whether nothing has come for a run for so long."""
    query = text(f"select {_SILENT_FOR} from run r where r.id = :run")  # noqa: S608 - a constant
    return bool(session.scalar(query, {"run": run_id, "silence": silence_s}))


def end_silence(session: Session, after_s: float) -> int:
    """End the rows of runs whose outputs come from elsewhere, where none has come for so long; how many rows."""
    run_ids = session.scalars(
        text("""
        select r.id from run r
        where r.status in ('pending', 'running') and not r.orchestrated
          and coalesce(r.progressed_at, r.created_at) < now() - make_interval(secs => :after)
          and not exists (select from shard s where s.run_id = r.id and s.state in ('queued', 'running'))
        for update skip locked
        """),
        {"after": after_s},
    )
    return sum(end_missing(session, run_id) for run_id in list(run_ids))


def end_missing(session: Session, run_id: str, none: str = "No output was sent for this row.") -> int:
    """End the rows of a locked run that have no whole output, each with an error that says so; how many. `none` is said of
    those that have no output at all."""
    return int(
        session.scalar(
            text("""
            with ended as (
                update run_item i set state = 'done',
                    error = case when i.log_id is null then :none else :half end
                from run_item j left join log l on l.id = j.log_id
                where i.run_id = :run and i.state = 'pending' and j.run_id = i.run_id and j.position = i.position
                  and (j.log_id is null or l.status is distinct from 'complete')
                returning i.position
            ), counts as (select count(*) as n from ended)
            update run set done_count = done_count + counts.n, failed_count = failed_count + counts.n
            from counts where run.id = :run returning counts.n
            """),
            {
                "run": run_id,
                "none": none,
                "half": "Its log was never completed.",
            },
        )
        or 0
    )


def unscored_runs(session: Session) -> list[str]:
    """Ended runs whose scores nobody has worked out: their job got lost, or waits behind long runs."""
    query = """
        select id from run where status in ('completed', 'cancelled') and scored_at is null
        and finished_at < now() - interval '3 seconds'
        and greatest(finished_at, progressed_at) > now() - interval '1 day'
    """
    return list(session.scalars(text(query)))
