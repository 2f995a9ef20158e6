"""The SQL of execution: shards under leases, items that are settled exactly once, runs that end.

Every statement may be repeated, and may meet another worker doing the same: conditions decide, not order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import ids
from app.evaluations.sharing_repository import PART_OF
from app.logs.repository import CALLER

LEASE_S = 10
"""A worker that has not renewed for this long is taken for dead."""
MOST_LOSSES = 3
"""An item whose worker was lost this often becomes an error: it may be what kills them."""
RESEND_S = 10
"""A queued shard that nobody claimed for this long is sent again: its message got lost."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A shard that this worker owns until its lease ends."""

    shard_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item to work on, with its row, and what is known of it already."""

    run_id: str
    shard_id: str
    position: int
    repeat: int
    datapoint_id: str
    inputs: dict[str, Any]
    messages: list[Any] | None
    target: dict[str, Any] | None
    context: list[Any] | None
    metadata: dict[str, Any] | None
    log_id: str | None
    """An output that is there already: only judgments are missing."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An item that is done: with a log, or with an error that says why there is none."""

    position: int
    log_id: str | None
    error: str | None


def create_items(
    session: Session,
    run_id: str,
    dataset_version: tuple[str, int],
    repeats: int,
    split: str | None,
    seed: str | None = None,
) -> int:
    """The items of a run, from the rows of a dataset version `(file id, number)`; how many there are.

    With a `seed` the rows come in a random order, the same wherever it is given, and repeats of a row stay together.
    """
    file_id, number = dataset_version
    result = session.execute(
        text("""
        insert into run_item (run_id, position, datapoint_id, repeat)
        select :run, (row_number() over (order by sha256(convert_to(cast(:seed as text) || r.datapoint_id, 'UTF8')), r.position, k) - 1)::int,
               r.datapoint_id, k
        from dataset_row r cross join generate_series(0, :repeats - 1) k
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
          and (cast(:split as text) is null or r.split = :split)
        """),
        {"run": run_id, "repeats": repeats, "file": file_id, "number": number, "split": split, "seed": seed},
    )
    return result.rowcount  # type: ignore[attr-defined, no-any-return]


def create_shards(session: Session, run_id: str, size: int) -> list[str]:
    """Cut what there is to do of a run into shards of about `size`; their ids, in order.

    That is its pending items; where the outputs come from elsewhere, those that have come, each a shard of its own.
    """
    found = session.execute(
        text("""
        select i.position, r.orchestrated from run_item i join run r on r.id = i.run_id
        left join log l on l.id = i.log_id
        where i.run_id = :run and i.state = 'pending' and (r.orchestrated or l.status = 'complete')
        order by i.position
        """),
        {"run": run_id},
    ).all()
    positions = [row[0] for row in found]
    if found and not found[0][1]:
        size = 1
    parts = [positions[n : n + size] for n in range(0, len(positions), size)]
    return insert_shards(session, run_id, [(part[0], part[-1] + 1) for part in parts])


def insert_shards(session: Session, run_id: str, ranges: Sequence[tuple[int, int]]) -> list[str]:
    """Add shards, each from a position until before another one; their ids, in order."""
    rows: list[dict[str, Any]] = [
        {"id": ids.new_id("shd"), "run_id": run_id, "first": first, "until": until} for first, until in ranges
    ]
    session.execute(
        text("""
        insert into shard (id, run_id, first, until)
        select id, run_id, first, until from json_populate_recordset(null::shard, cast(:rows as json))
        """),
        {"rows": orjson.dumps(rows).decode()},
    )
    return [row["id"] for row in rows]


WANTS_WORK = (
    """r.status in ('pending', 'running') and (r.clear_after is null or r.cancel_requested_at is null)"""
)
"""Of a run `r`: it goes on, and does not only wait for its last calls because it is clear."""
_CLAIM = f"""
update shard s set state = 'running', owner = :owner, attempt = attempt + 1,
    lease_until = clock_timestamp() + make_interval(secs => :lease)
from run r
where s.id = (
    select id from shard where run_id = ({{run}}) and state = 'queued' order by first limit 1 for update skip locked)
  and r.id = s.run_id and {WANTS_WORK} and s.state = 'queued'
returning s.id, s.run_id
"""  # noqa: S608 - a constant
_HAS_WORK = "exists (select from shard q where q.run_id = r.id and q.state = 'queued')"
_AT_WORK = "from shard w where w.run_id = r.id and w.state = 'running' and w.lease_until > now()"
_CLAIM_NEXT = text(_CLAIM.format(run=":run"))
_CLAIM_FAIRLY = text(
    _CLAIM.format(
        run=f"""
        select r.id from run r where {WANTS_WORK} and {_HAS_WORK}
        order by (select count(distinct w.owner) {_AT_WORK}), coalesce(r.progressed_at, r.created_at) limit 1"""  # noqa: S608
    )
)


def claim_fairly(session: Session, owner: str) -> Claimed | None:
    """Take a shard of the run that fewest slots work on, and that waits longest; None when nothing is to be done."""
    row = session.execute(_CLAIM_FAIRLY, {"owner": owner, "lease": LEASE_S}).one_or_none()
    return Claimed(*row) if row else None


def others_wait(session: Session, run_id: str) -> bool:
    """Whether another run has work that no slot does."""
    found = session.scalar(
        text(f"""
        select exists (
            select from run r where r.id <> :run and {WANTS_WORK} and {_HAS_WORK}
              and not exists (select {_AT_WORK}))
        """),  # noqa: S608 - the two conditions above
        {"run": run_id},
    )
    return bool(found)


def claim_next(session: Session, owner: str, run_id: str) -> Claimed | None:
    """Take the run's next queued shard; None when there is none."""
    row = session.execute(_CLAIM_NEXT, {"owner": owner, "lease": LEASE_S, "run": run_id}).one_or_none()
    return Claimed(*row) if row else None


def start_run(session: Session, run_id: str) -> None:
    """Note that a run's first shard is being worked on."""
    session.execute(
        text(
            "update run set status = 'running', started_at = coalesce(started_at, now()) where id = :run and status = 'pending'"
        ),
        {"run": run_id},
    )


def has_pending_items(session: Session, run_id: str) -> bool:
    """Whether a row of the run has no result yet."""
    query = text("select exists (select from run_item where run_id = :run and state = 'pending')")
    return bool(session.scalar(query, {"run": run_id}))


def pending_items(session: Session, shard_id: str) -> list[Item]:
    """The items of a shard that have no result yet, with their rows; a log that is of none is a row itself."""
    rows = session.execute(
        text("""
        select i.run_id, s.id, i.position, i.repeat, i.datapoint_id, coalesce(d.inputs, l.inputs, '{}'),
               case when d.id is null then l.messages else d.messages end, d.target, d.context, d.metadata, i.log_id
        from shard s
        join run r on r.id = s.run_id
        join run_item i on i.run_id = s.run_id and i.position >= s.first and i.position < s.until and i.state = 'pending'
        left join datapoint d on d.id = i.datapoint_id and d.workspace_id = r.workspace_id
        left join log l on l.id = i.log_id and d.id is null
        where s.id = :shard
        order by i.position
        """),
        {"shard": shard_id},
    )
    return [Item(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a heartbeat learns."""

    kept: set[str]
    """The shards that the owner still has."""
    wanted: bool
    """Whether the run still wants work."""
    ends: bool
    """Whether it is clear: what is in flight is awaited, and nothing more is begun."""
    spent_usd: Decimal
    calls: int
    has_budget: bool
    """Whether the workspace has a budget now."""


def renew(session: Session, owner: str, run_id: str) -> Renewed:
    """Renew the leases of `owner`, and see how its run stands. One statement: where the database is far away, two come
    too late."""
    row = session.execute(
        text("""
        with kept as (
            update shard set lease_until = clock_timestamp() + make_interval(secs => :lease)
            where run_id = :run and owner = :owner and state = 'running' returning id)
        select array(select id from kept), r.status in ('pending', 'running'),
               r.clear_after is not null and r.cancel_requested_at is not null, r.spent_usd, r.calls_count,
               exists(select from budget b where b.workspace_id = r.workspace_id)
        from (values (1)) as always left join run r on r.id = :run
        """),
        {"owner": owner, "lease": LEASE_S, "run": run_id},
    ).one()
    kept, wanted, ends, spent_usd, calls, has_budget = row
    return Renewed(set(kept), bool(wanted), bool(ends), spent_usd or Decimal(0), calls or 0, has_budget)


def settle(session: Session, run_id: str, settled: list[Settled]) -> set[int]:
    """Mark items done, each by the first who says so; the positions that this call won.

    An item that was opened again for one more evaluator keeps its output: a worker that was taken for dead, and has
    another one, comes too late.
    """
    rows = [{"position": s.position, "log_id": s.log_id, "error": s.error} for s in settled]
    won = session.scalars(
        text("""
        update run_item i set state = 'done', log_id = r.log_id, error = r.error
        from json_populate_recordset(null::run_item, cast(:rows as json)) r
        where i.run_id = :run and i.position = r.position and i.state = 'pending'
          and (i.log_id is null or i.log_id is not distinct from r.log_id
               or not exists (select from log l where l.id = i.log_id))
        returning i.position
        """),
        {"run": run_id, "rows": orjson.dumps(rows).decode()},
    )
    return set(won)


class Counted(NamedTuple):
    """How a run stands after results were counted, and whether they came after it had been stopped."""

    all_done: bool
    had_ended: bool


def count_progress(
    session: Session,
    run_id: str,
    *,
    done: int,
    failed: int,
    judgments: int,
    retried: int,
    calls: int,
    usd: Decimal,
) -> Counted:
    """Add to the counters that pages show."""
    row = session.execute(
        text("""
        update run set done_count = done_count + :done, failed_count = failed_count + :failed,
            judgments_count = judgments_count + :judgments, retried_count = retried_count + :retried,
            calls_count = calls_count + :calls, spent_usd = spent_usd + :usd,
            progressed_at = now()
        where id = :run
        returning done_count + left_count >= items_count, status in ('completed', 'cancelled')
        """),
        {
            "run": run_id,
            "done": done,
            "failed": failed,
            "judgments": judgments,
            "retried": retried,
            "calls": calls,
            "usd": usd,
        },
    ).one_or_none()
    return Counted(*row) if row else Counted(all_done=False, had_ended=False)


def close_shards(session: Session, owner: str, shard_ids: list[str]) -> None:
    """Mark shards done whose items all are: the database counts, not the worker."""
    session.execute(
        text("""
        update shard s set state = 'done', lease_until = null
        where s.id = any(:shards) and s.owner = :owner and s.state = 'running' and not exists (
            select from run_item i
            where i.run_id = s.run_id and i.position >= s.first and i.position < s.until and i.state = 'pending')
        """),
        {"shards": shard_ids, "owner": owner},
    )


def give_back(session: Session, owner: str, run_id: str) -> None:
    """Let go of what `owner` still holds: cancelled where the run has ended, or queued for somebody else."""
    session.execute(
        text("""
        update shard s set state = case when r.status in ('cancelled', 'completed') then 'cancelled' else 'queued' end,
            owner = null, lease_until = null, queued_at = now() - make_interval(secs => :resend)
        from run r where r.id = s.run_id and s.run_id = :run and s.owner = :owner and s.state = 'running'
        """),
        {"owner": owner, "run": run_id, "resend": RESEND_S},
    )


def complete_run(session: Session, run_id: str, *, waits: bool = True, for_silent: bool = True) -> bool:
    """End the run if nothing is left to do; True for the one caller that ended it.

    A run whose outputs come from elsewhere also waits for the judgments of the programs that send them, unless not to or somebody
    said that it is to end; never for people. Not `for_silent`: of the programs, only for those that have judged any of its outputs.
    One without a dataset waits for its first log.
    """
    ended = session.scalar(
        text(f"""
        update run r set status = 'completed', finished_at = now(), end_requested_at = null
        where r.id = :run and r.status in ('pending', 'running')
          and not exists (select from run_item where run_id = :run and state = 'pending')
          and (r.dataset_version_id is not null or not :waits or r.end_requested_at is not null
               or exists (select from run_item where run_id = :run))
          and (r.orchestrated or not :waits or r.end_requested_at is not null or not exists (
              select from {PART_OF} p join evaluation_evaluator e on e.evaluation_id = p.evaluation_id
              join version v on v.id = e.evaluator_version_id
              join run_item i on i.run_id = r.id and i.log_id is not null
              where p.run_id = r.id
                and v.spec->>'evaluator_type' is distinct from 'human'
                and (v.spec->>'evaluator_type' = 'external' or not e.orchestrated)
                and not exists (
                    select from judgment j join version other on other.id = j.evaluator_version_id
                    where j.log_id = i.log_id and other.file_id = v.file_id and j.author in ('', :caller))
                and (:for_silent or exists (
                    select from run_item said join judgment j on j.log_id = said.log_id
                    join version other on other.id = j.evaluator_version_id
                    where said.run_id = r.id and not said.reused and other.file_id = v.file_id
                      and j.author in ('', :caller)))))
        returning r.id
        """),  # noqa: S608 - a constant
        {"run": run_id, "waits": waits, "for_silent": for_silent, "caller": CALLER},
    )
    return ended is not None


def count_logs(session: Session, run_id: str) -> None:
    """Add what a finished run wrote to the log counters of its version and file."""
    session.execute(
        text("""
        with made as (select version_id, file_id, count(*) as n from log where run_id = :run and source = 'evaluation' group by 1, 2),
        v as (update version set logs_count = logs_count + made.n from made where version.id = made.version_id)
        update file set logs_count = logs_count + made.n, last_used_at = now() from made where file.id = made.file_id
        """),
        {"run": run_id},
    )


def judged_by(session: Session, log_ids: list[str]) -> dict[str, set[str]]:
    """Which evaluator versions have judged each of the logs."""
    rows = session.execute(
        text("select log_id, evaluator_version_id from judgment where log_id = any(:logs) and author = ''"),
        {"logs": log_ids},
    )
    found: dict[str, set[str]] = {}
    for log_id, evaluator_id in rows:
        found.setdefault(log_id, set()).add(evaluator_id)
    return found
