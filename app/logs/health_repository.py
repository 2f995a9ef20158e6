"""The SQL of how files fare in production, from a sample of their logs: what is read does not grow with how many there are.

Both windows are cut into slots, and of each slot the newest logs are looked at, so that a busy hour crowds out no other.
A slot with more of them stands for as many as would fill it at the pace of those that were looked at.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

AMONG = 20
"""Logs that are looked at of each slot, whatever made them."""
_SLOTS = """
    select 'now' as part, now() - make_interval(hours => n + 1) as since, now() - make_interval(hours => n) as until
    from generate_series(0, 23) as n
    union all
    select 'before', now() - make_interval(hours => 24 + 6 * (n + 1)), now() - make_interval(hours => 24 + 6 * n)
    from generate_series(0, 27) as n
"""
"""The last 24 hours by the hour, and the 7 days before by six hours: so 480 logs at most of the one, 560 of the other."""
_SAMPLE = f"""
with slot as ({_SLOTS}),
looked as (
    select f.id as file_id, s.part, s.since, s.until, l.id, l.created_at, l.source, l.run_id, l.failed, l.latency_ms, l.usd
    from unnest(cast(:files as text[])) as f(id) cross join slot s cross join lateral (
        select id, created_at, source, run_id, error is not null as failed, latency_ms, prompt_cost + output_cost as usd
        from log where file_id = f.id and created_at >= s.since and created_at < s.until
        order by created_at desc, id desc limit {AMONG}) as l
),
sample as (
    select *, case when count(*) over slot_of < {AMONG} then 1.0 else extract(epoch from until - since)
        / greatest(extract(epoch from until - min(created_at) over slot_of), 0.001) end::float8 as stands_for
    from looked window slot_of as (partition by file_id, part, since)
),
asked as (
    select * from sample where run_id is null and coalesce(source, '') not in ('evaluation', 'editor', 'judge')
)
"""  # noqa: S608 - our own numbers
"""What applications asked: neither runs nor editors nor judges."""


class Fared(NamedTuple):
    """How a file fared in one window."""

    file_id: str
    part: str
    """`now` or `before`."""
    n: int
    """Logs in the sample."""
    failed: int
    """Of those, with an error."""
    calls: float
    """In the whole window; an estimate where `sampled`."""
    p95_ms: float | None
    usd: float | None
    """Of the whole window, as far as prices are known; an estimate where `sampled`."""
    sampled: bool


def list_fared(session: Session, file_ids: Sequence[str]) -> list[Fared]:
    """How files fared in the last 24 hours, and in the 7 days before them; without what had no call."""
    statement = text(f"""
        {_SAMPLE}
        select file_id, part, count(*), count(*) filter (where failed), sum(stands_for),
            percentile_cont(0.95) within group (order by latency_ms), sum(usd * stands_for)::float8, bool_or(stands_for > 1)
        from asked group by file_id, part
    """)  # noqa: S608 - the statement above
    return [Fared(*row) for row in session.execute(statement, {"files": list(file_ids)})]


class Verdicts(NamedTuple):
    """Verdicts of one evaluator on a file's sample that say the same; numbers come together."""

    file_id: str
    part: str
    evaluator_version_id: str
    boolean_value: bool | None
    text_value: str | None
    n: int
    numbers: int
    mean: float | None
    variance: float | None


def list_verdicts(
    session: Session, file_ids: Sequence[str], evaluator_ids: Collection[str], choosing: Collection[str]
) -> list[Verdicts]:
    """What these versions of evaluators said of the same samples. Only of those that choose (`choosing`) are texts told
    apart: others may say something else each time."""
    statement = text(f"""
        {_SAMPLE}
        select a.file_id, a.part, j.evaluator_version_id, j.boolean_value,
            case when j.evaluator_version_id = any(cast(:choosing as text[])) then j.text_value end as choice,
            count(*), count(j.number_value), avg(j.number_value), var_samp(j.number_value)
        from asked a join judgment j on j.log_id = a.id and j.evaluator_version_id = any(cast(:evaluators as text[]))
            and j.author = '' and j.vote = 0 and j.error is null
        group by 1, 2, 3, 4, 5
    """)  # noqa: S608 - the statement above
    values = {"files": list(file_ids), "evaluators": list(evaluator_ids), "choosing": list(choosing)}
    return [Verdicts(*row) for row in session.execute(statement, values)]
