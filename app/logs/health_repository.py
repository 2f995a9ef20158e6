"""The SQL of how files fared in production: what is read is bounded, however many logs there are.

The logs of a window are counted by the index of file and time as far as `COUNTED`. The shortest windows are read whole, as
long as these come to no more than `READ` logs; of the others that were counted, of each few in a row one is read by chance.
Where there are more than `COUNTED`, `PROBES` short spans are looked at that are spread over the window. What was read stands
for what was not by its weight.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from math import modf
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

COUNTED = 6_000
"""Logs of a file and a window that are counted, whatever made them."""
READ = 20_000
"""Logs of all files that are read with none between them left out."""
THINNED = 400
"""Logs that are read of a window that was counted, and is not read whole."""
PROBES = 24
_LISTED, _READ_OF_A_PROBE, _EXPECTED = 160, 30, 16
"""Of a probe: how many logs are counted and read at most, and how many its length is meant to hold."""
_GOLDEN = 0.6180339887498949
"""Multiples of it, without the whole part, are spread evenly and keep time with no clock."""
DAYS = 8
"""The last 24 hours, and the 7 days before them."""
_COUNTED_A_DAY, _READ_BY_DAY = 1_500, 3_000
"""As `COUNTED` and `READ`, where days are told apart."""
_COUNT = """
select f.id, w.part, w.since, w.until, c.n, c.oldest
from unnest(cast(:files as text[])) as f(id) cross join ({windows}) as w(part, since, until) cross join lateral (
    select count(*) as n, min(created_at) as oldest from (
        select created_at from log where file_id = f.id and created_at >= w.since and created_at < w.until
        order by created_at desc limit :counted + 1) as newest
) as c where c.n > 0
"""
_NOW_AND_BEFORE = """
    values ('now', now() - interval '24 hours', now()), ('before', now() - interval '8 days', now() - interval '24 hours')
"""
_BY_DAY = f"""
    select ago::text, now() - (ago + 1) * interval '24 hours', now() - ago * interval '24 hours'
    from generate_series(0, {DAYS - 1}) as d(ago)
"""  # noqa: S608 - our own number
_WHOSE = "run_id is null and coalesce(source, '') not in ('evaluation', 'editor', 'judge', 'row_generation')"
"""What applications asked: neither runs nor editors nor judges, nor who has rows written."""
_SAYS = "id, error is not null as failed, latency_ms, (prompt_cost + output_cost)::float8 as usd"
_ASKED = f"""
with probe as (
    select * from unnest(cast(:file_ids as text[]), cast(:parts as text[]), cast(:sinces as timestamptz[]),
        cast(:untils as timestamptz[]), cast(:scales as float8[]), cast(:to_list as int[]), cast(:to_read as int[]))
        with ordinality as p(file_id, part, since, until, scale, to_list, to_read, number)
),
chosen as (
    select p.*, l.*, count(*) over (partition by p.number) as chosen
    from probe p cross join lateral (
        select * from (
            select id, row_number() over () - 1 as place, count(*) over () as listed, min(created_at) over () as oldest,
                ceil(count(*) over () / p.to_read::float8)::int as step
            from (select id, created_at from log
                where file_id = p.file_id and created_at >= p.since and created_at < p.until
                order by created_at desc, id desc limit p.to_list) as newest
        ) as numbered where place % step = (hashint4((place / step)::int) & 2147483647) % step
    ) as l where p.to_read < p.to_list
),
asked as (
    select p.file_id, p.part, l.*, 1::float8 as weight from probe p cross join lateral (
        select {_SAYS} from log
        where file_id = p.file_id and created_at >= p.since and created_at < p.until and {_WHOSE}
    ) as l where p.to_read >= p.to_list
    union all
    select c.file_id, c.part, l.*, scale * listed / chosen * case when listed < to_list then 1 else
        extract(epoch from until - since) / greatest(extract(epoch from until - oldest), 0.001) end
    from chosen c cross join lateral (select {_SAYS} from log where id = c.id and {_WHOSE} offset 0) as l
)
"""  # noqa: S608 - our own words
"""`offset 0` has logs looked up one by one, and not joined: nothing tells the planner how few they are."""


class Probe(NamedTuple):
    """A span of time whose logs are looked at."""

    file_id: str
    part: str
    """`now` or `before`; where days are told apart, how many of 24 hours ago it ended."""
    since: datetime
    until: datetime
    scale: float
    """As many spans as long as this one are told of by it."""
    to_list: int
    """Logs that are counted at most."""
    to_read: int
    """Of these, as many are read at most; all, where it is no less."""


class Fared(NamedTuple):
    """How a file fared in one window. All but `read` and `timed` are estimates where `sampled`, and exact elsewhere."""

    file_id: str
    part: str
    read: int
    """Calls that were read."""
    n: int
    """As many of equal weight say as much as they do (Kish)."""
    failed: int
    """Of these `n`."""
    calls: float
    """In the whole window."""
    timed: int
    """Calls that were read and say how long they took."""
    p95_ms: float | None
    usd: float | None
    """Of the whole window, as far as prices are known."""
    sampled: bool


def list_probes(session: Session, file_ids: Sequence[str]) -> list[Probe]:
    """Where the logs of these files are looked at, of the last 24 hours and of the 7 days before them."""
    return _plan(session, file_ids, _NOW_AND_BEFORE, COUNTED, READ)


def list_days(session: Session, file_id: str) -> list[Probe]:
    """Where the logs of a file are looked at, of each of the last `DAYS` times 24 hours."""
    return _plan(session, [file_id], _BY_DAY, _COUNTED_A_DAY, _READ_BY_DAY)


def _plan(session: Session, file_ids: Sequence[str], windows: str, counted: int, left: int) -> list[Probe]:
    found: list[Probe] = []
    values = {"files": list(file_ids), "counted": counted}
    counts = session.execute(text(_COUNT.format(windows=windows)), values).all()
    for file_id, part, since, until, n, oldest in sorted(counts, key=lambda window: window.n):
        if n > counted:
            found += _probes(file_id, part, since, until, (until - oldest) / n)
            continue
        left -= n
        found.append(Probe(file_id, part, since, until, 1.0, n + (left < 0), n if left >= 0 else THINNED))
    return found


def _probes(file_id: str, part: str, since: datetime, until: datetime, apart: timedelta) -> Iterator[Probe]:
    """Short spans of a window, one in each piece of it, in which a log comes each so much time."""
    piece = (until - since) / PROBES
    length = min(piece, apart * _EXPECTED)
    for number in range(PROBES):
        begin = since + number * piece + modf(number * _GOLDEN)[0] * (piece - length)
        yield Probe(file_id, part, begin, begin + length, piece / length, _LISTED + 1, _READ_OF_A_PROBE)


def list_fared(session: Session, probes: Sequence[Probe]) -> list[Fared]:
    """How files fared by these probes; without what had no call."""
    statement = text(f"""
        {_ASKED}, ranked as (
            select *, sum(weight) over (window_of order by latency_ms nulls last, id) as up_to,
                sum(weight) filter (where latency_ms is not null) over window_of as all_timed
            from asked window window_of as (partition by file_id, part)
        )
        select file_id, part, count(*), sum(weight) ^ 2 / sum(weight ^ 2), sum(weight) filter (where failed),
            sum(weight), count(latency_ms), min(latency_ms) filter (where up_to >= 0.95 * all_timed - 0.000001),
            sum(usd * weight), bool_or(weight > 1)
        from ranked group by file_id, part
    """)  # noqa: S608 - the statement above
    found = []
    for file_id, part, read, n, failed, calls, *rest in session.execute(statement, _values(probes)):
        whole = max(1, round(n))
        found.append(Fared(file_id, part, read, whole, round(whole * (failed or 0) / calls), calls, *rest))
    return found


class Verdicts(NamedTuple):
    """Verdicts of one evaluator on a file's logs that say the same; numbers come together."""

    file_id: str
    part: str
    evaluator_version_id: str
    boolean_value: bool | None
    text_value: str | None
    weight: float
    squares: float
    """Of weights, summed up."""
    numbers: int
    mean: float | None
    variance: float | None


def list_verdicts(
    session: Session, probes: Sequence[Probe], evaluator_ids: Collection[str], choosing: Collection[str]
) -> list[Verdicts]:
    """What these versions of evaluators said of the same logs. Only of those that choose (`choosing`) are texts told
    apart: others may say something else each time."""
    statement = text(f"""
        {_ASKED}, said as (
            select a.file_id, a.part, a.weight, j.evaluator_version_id, j.boolean_value, j.number_value,
                case when j.evaluator_version_id = any(cast(:choosing as text[])) then j.text_value end as choice,
                sum(a.weight * j.number_value) over by_judge
                    / sum(a.weight) filter (where j.number_value is not null) over by_judge as mean
            from asked a join judgment j on j.log_id = a.id and j.evaluator_version_id = any(cast(:evaluators as text[]))
                and j.author = '' and j.vote = 0 and j.error is null
            window by_judge as (partition by a.file_id, a.part, j.evaluator_version_id)
        )
        select file_id, part, evaluator_version_id, boolean_value, choice, sum(weight), sum(weight ^ 2),
            count(number_value), min(mean) filter (where number_value is not null),
            sum(weight * (number_value - mean) ^ 2) / nullif(sum(weight) - sum(weight ^ 2) / sum(weight), 0)
        from said group by 1, 2, 3, 4, 5
    """)  # noqa: S608 - the statement above
    values = {"evaluators": list(evaluator_ids), "choosing": list(choosing)}
    return [Verdicts(*row) for row in session.execute(statement, _values(probes) | values)]


class Judged(NamedTuple):
    """What came of an evaluator's judging a file's logs in one window. Numbers are estimates where `sampled`."""

    part: str
    evaluator_version_id: str
    logs: float
    """Those that it judged, or failed at."""
    failed: float
    """Of these, those that it failed at."""
    problem: str | None
    """Why it did at one of them."""
    usd: float | None
    """What its calls cost, as far as prices are known."""
    sampled: bool


def list_judged(session: Session, probes: Sequence[Probe], evaluator_ids: Collection[str]) -> list[Judged]:
    """How many of the logs that these probes find each of these versions of evaluators judged."""
    statement = text(f"""
        {_ASKED}
        select a.part, j.evaluator_version_id, sum(a.weight), coalesce(sum(a.weight) filter (where j.error is not null), 0),
            left(min(j.error), 500), (sum(a.weight * j.cost))::float8, bool_or(a.weight > 1)
        from asked a join judgment j on j.log_id = a.id and j.evaluator_version_id = any(cast(:evaluators as text[]))
            and j.author = '' and j.vote = 0
        group by 1, 2
    """)  # noqa: S608 - the statement above
    values = {"evaluators": list(evaluator_ids)}
    return [Judged(*row) for row in session.execute(statement, _values(probes) | values)]


def _values(probes: Sequence[Probe]) -> dict[str, list[object]]:
    names = ("file_ids", "parts", "sinces", "untils", "scales", "to_list", "to_read")
    return {name: [probe[at] for probe in probes] for at, name in enumerate(names)}
