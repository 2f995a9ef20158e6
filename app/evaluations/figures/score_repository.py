"""The SQL of scores: judgments as columns, what runs cost, and where finished scores are kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.evaluations.figures.judges_repository import LEFT_TO_CALLERS
from app.logs.repository import CALLER, FINAL


class Judged(NamedTuple):
    """What one evaluator said of one run, by the positions of the outputs in the run. In no order, and a position occurs
    once for each judgment of its output."""

    run_id: str
    evaluator_id: str
    scored: list[int]
    scores: list[float]
    """Of the outputs `scored`, in their order."""
    failed: list[int]
    answered: list[int]
    """Where it said something that is no number: a choice, or a text."""
    silent: list[int]
    """Where it said nothing, for want of a target, for example."""


def load_judged(session: Session, run_ids: Sequence[str], evaluator_ids: Sequence[str]) -> list[Judged]:
    """The judgments that scores are made of, of runs by evaluators. Choices count as `Traits.score_of` says."""
    rows = session.execute(text(_SCORES), {"runs": list(run_ids), "evaluators": list(evaluator_ids)})
    return [Judged(*(row[:2]), *(found or [] for found in row[2:])) for row in rows]


def load_row_ids(session: Session, run_ids: Sequence[str]) -> dict[str, tuple[list[int], list[str]]]:
    """The positions of the outputs of each run, rising, and the datapoint of each. One that is repeated is there as often."""
    rows = session.execute(
        text("""
        select run_id, array_agg(position order by position), array_agg(datapoint_id order by position)
        from run_item where run_id = any(:runs) group by 1
        """),
        {"runs": list(run_ids)},
    )
    return {row[0]: (row[1], row[2]) for row in rows}


_JUDGED = f"""run_item i join judgment j on j.log_id = i.log_id
    left join {LEFT_TO_CALLERS} sent on sent.run_id = i.run_id and sent.evaluator_version_id = j.evaluator_version_id"""
_COUNTED = f"""(j.author = '' and (sent.run_id is null or not exists (
        select from judgment own where own.log_id = j.log_id and own.evaluator_version_id = j.evaluator_version_id
          and own.author = '{CALLER}'))
    or j.author = '{CALLER}' and sent.run_id is not null
    or exists (
        select from version judge where judge.id = j.evaluator_version_id and judge.spec->>'evaluator_type' = 'human')
    and (j.author = '{FINAL}' or not exists (
        select from judgment final where final.log_id = j.log_id and final.author = '{FINAL}'
          and final.evaluator_version_id = j.evaluator_version_id offset 0)))"""  # noqa: S608
"""What scores are made of, among `_JUDGED`; as in `people_repository.list_counted`. What members say beside an evaluator
that is no person, of a log that no run had then, is theirs: no run's score. `offset 0`: the final word is looked for by the
index, judgment by judgment; hashed, it would be looked for in all judgments that there are."""
_SCORES = f"""
with choices as (
    select v.id, array_agg(o->>'name') filter (where o->>'valence' = 'positive') as good,
           array_agg(o->>'name') filter (where o->>'valence' = 'negative') as bad
    from version v cross join lateral jsonb_path_query(v.spec::jsonb, '$.options[*]') as o
    where v.id = any(:evaluators) and v.spec->>'return_type' = 'select'
    group by 1
), judged as (
    select i.run_id, j.evaluator_version_id, i.position,
           coalesce(
               j.number_value, j.boolean_value::int::float8, (j.text_value = any(c.good))::int::float8,
               case when c.good is null then (j.text_value <> all(c.bad))::int::float8 end
           ) as score,
           j.error is not null as failed,
           j.text_value is not null or j.options_value is not null as answered
    from {_JUDGED}
    left join choices c on c.id = j.evaluator_version_id
    where i.run_id = any(:runs) and j.evaluator_version_id = any(:evaluators) and {_COUNTED}
)
select run_id, evaluator_version_id,
       array_agg(position) filter (where score is not null),
       array_agg(score) filter (where score is not null),
       array_agg(position) filter (where score is null and failed),
       array_agg(position) filter (where score is null and not failed and answered),
       array_agg(position) filter (where score is null and not failed and not answered)
from judged group by 1, 2
"""  # noqa: S608 - the condition above


class Gap(NamedTuple):
    """A row of which outputs have no score, and should: they failed, were not run, or were not judged."""

    datapoint_id: str
    outputs: int
    """Of the row: its repeats."""
    missing: int


def load_gaps(
    session: Session,
    run_ids: Sequence[str],
    evaluator_ids: Sequence[str],
    *,
    judged_elsewhere: Sequence[str] = (),
) -> dict[tuple[str, str], list[Gap]]:
    """The rows with a gap by run and evaluator, in the order of the run; none of a pair that has a verdict on every output.

    A verdict that is no number, such as "no target", is one: of such rows no score is missing. Of a run that ended because it
    was clear, neither is one of the rows that were left: chance has chosen them, and not what became of them. By the evaluators
    `judged_elsewhere`, an output that nobody judged is no gap: nobody may have been asked about it. One whose judging failed is.
    """
    rows = session.execute(
        text(f"""
        with judged as (
            select i.run_id, i.position, j.evaluator_version_id, bool_or(j.error is null) as has_verdict from {_JUDGED}
            where i.run_id = any(:runs) and j.evaluator_version_id = any(:evaluators) and {_COUNTED} group by 1, 2, 3
        )
        select i.run_id, e.id, i.datapoint_id, count(*), count(*) filter (where judged.has_verdict is not true)
        from run_item i join run r on r.id = i.run_id cross join unnest(cast(:evaluators as text[])) as e(id)
        left join judged on judged.run_id = i.run_id and judged.position = i.position
            and judged.evaluator_version_id = e.id
        where i.run_id = any(:runs) and (judged.position is not null or e.id <> all(:elsewhere))
            and (r.left_count = 0 or i.log_id is not null or i.state = 'done')
        group by 1, 2, 3
        having count(*) filter (where judged.has_verdict is not true) > 0 order by min(i.position)
        """),  # noqa: S608 - the conditions above
        {
            "runs": list(run_ids),
            "evaluators": list(evaluator_ids),
            "elsewhere": list(judged_elsewhere),
        },
    )
    found: dict[tuple[str, str], list[Gap]] = {}
    for run_id, evaluator_id, *gap in rows:
        found.setdefault((run_id, evaluator_id), []).append(Gap(*gap))
    return found


def load_clusters(session: Session, file_id: str, number: int) -> dict[str, str]:
    """The cluster of each row of a dataset version that has one."""
    rows = session.execute(
        text("""
        select r.datapoint_id, d.cluster from dataset_row r join datapoint d on d.id = r.datapoint_id
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
          and d.cluster is not null
        """),
        {"file": file_id, "number": number},
    )
    return {row[0]: row[1] for row in rows}


def load_row_order(session: Session, run_id: str) -> list[str]:
    """The datapoint of each row of a run, in its order, each once however often it is repeated."""
    rows = session.execute(
        text("""
        select i.datapoint_id from run_item i join run r on r.id = i.run_id
        where i.run_id = :run and i.position % r.repeats = 0 order by i.position
        """),
        {"run": run_id},
    )
    return [row[0] for row in rows]


def load_run_clusters(session: Session, run_id: str) -> dict[str, str]:
    """The cluster of each row of a run that has one, whatever dataset it is of."""
    rows = session.execute(
        text("""
        select distinct i.datapoint_id, d.cluster from run_item i join run r on r.id = i.run_id
        join datapoint d on d.id = i.datapoint_id and d.workspace_id = r.workspace_id
        where i.run_id = :run and d.cluster is not null
        """),
        {"run": run_id},
    )
    return {row[0]: row[1] for row in rows}


class Usage(NamedTuple):
    """What the outputs of a run took: figures where they are known."""

    p95_latency_ms: float | None
    """Interpolated between the two values around it."""
    cost_per_1000_usd: float | None
    mean_prompt_tokens: float | None
    mean_output_tokens: float | None


def load_usage(session: Session, run_ids: Sequence[str]) -> dict[str, Usage]:
    """Latency, cost and tokens of the outputs of runs, over those for which each is known."""
    rows = session.execute(
        text("""
        select i.run_id, percentile_cont(0.95) within group (order by l.latency_ms),
               (avg(l.prompt_cost + l.output_cost) * 1000)::float8,
               avg(l.prompt_tokens)::float8, avg(l.output_tokens)::float8
        from run_item i join log l on l.id = i.log_id
        where i.run_id = any(:runs) and l.error is null
        group by i.run_id
        """),
        {"runs": list(run_ids)},
    )
    return {row[0]: Usage(*row[1:]) for row in rows}


class Detail(NamedTuple):
    """What an evaluator noted beside one verdict, and which row it was about."""

    datapoint_id: str
    cluster: str | None
    noted: dict[str, Any]


def load_details(session: Session, run_id: str, evaluator_id: str) -> list[Detail]:
    """What an evaluator noted beside each verdict of a run, such as the classes it compared; repeats one by one."""
    rows = session.execute(
        text("""
        select i.datapoint_id, d.cluster, j.detail
        from run_item i join run r on r.id = i.run_id
        cross join lateral (  -- row by row: of an evaluator that is new, Postgres expects no judgments
            select detail from judgment j where j.log_id = i.log_id and j.evaluator_version_id = :evaluator
            and j.author = '' and j.detail is not null offset 0) j
        left join datapoint d on d.id = i.datapoint_id and d.workspace_id = r.workspace_id
        where i.run_id = :run order by i.position
        """),
        {"run": run_id, "evaluator": evaluator_id},
    )
    return [Detail(*row) for row in rows]


def count_options(session: Session, run_ids: Sequence[str]) -> dict[tuple[str, str], dict[str, int]]:
    """How often each option was chosen, by run and evaluator."""
    rows = session.execute(
        text(f"""
        select i.run_id, j.evaluator_version_id, o.option, count(*)
        from {_JUDGED}
        cross join lateral unnest(coalesce(j.options_value, array[j.text_value])) as o(option)
        where i.run_id = any(:runs) and o.option is not null and {_COUNTED} group by 1, 2, 3
        """),  # noqa: S608 - the condition above
        {"runs": list(run_ids)},
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for run_id, evaluator_id, option, count in rows:
        found.setdefault((run_id, evaluator_id), {})[option] = count
    return found


def load_failures(session: Session, run_ids: Sequence[str], limit: int) -> list[tuple[str, str, int]]:
    """Why rows of runs have no output: run, reason and how many, most frequent first."""
    rows = session.execute(
        text("""
        select run_id, left(error, 300) as reason, count(*) as n from run_item
        where run_id = any(:runs) and error is not null group by 1, 2 order by n desc limit :limit
        """),
        {"runs": list(run_ids), "limit": limit},
    )
    return [(row[0], row[1], row[2]) for row in rows]


def claim(session: Session, run_id: str, seconds: int) -> bool:
    """Take the scoring of an ended run upon oneself for so long, from now; False where somebody has, or it has not ended."""
    query = """
        update run set scoring_until = clock_timestamp() + make_interval(secs => :seconds)
        where id = :run and status in ('completed', 'cancelled')
          and (scoring_until is null or scoring_until < clock_timestamp())
        returning id
    """
    return session.scalar(text(query), {"run": run_id, "seconds": seconds}) is not None


def keep_claim(session: Session, run_id: str, seconds: int) -> None:
    """Go on with a scoring that one has claimed."""
    query = (
        "update run set scoring_until = clock_timestamp() + make_interval(secs => :seconds) where id = :run"
    )
    session.execute(text(query), {"run": run_id, "seconds": seconds})


def release(session: Session, run_id: str) -> None:
    """Leave the scoring of a run, done or not, to whoever asks for it next."""
    session.execute(text("update run set scoring_until = null where id = :run"), {"run": run_id})


def save_scores(session: Session, run_id: str, scores: list[dict[str, Any]]) -> None:
    """Keep the scores of a run, in place of any kept before."""
    session.execute(text("delete from run_score where run_id = :run"), {"run": run_id})
    session.execute(
        text("""
        insert into run_score (run_id, evaluator_version_id, slice, value, lo, hi, n, clusters, method, detail)
        select run_id, evaluator_version_id, slice, value, lo, hi, n, clusters, method, detail
        from json_populate_recordset(null::run_score, cast(:rows as json))
        """),
        {"rows": orjson.dumps(scores).decode()},
    )
    session.execute(text("update run set scored_at = now() where id = :run"), {"run": run_id})


def keep_version_scores(session: Session, run_id: str) -> None:
    """Make the scores of a completed run the last ones of its version, unless a later run has set them.

    A run that ended at a cap, or by hand, does not take the place of scores over more rows, and a run of logs, which somebody
    chose, of none. What the run no longer finds, because judgments were taken back, goes.
    """
    session.execute(
        text("""
        delete from version_score k where k.run_id = :run and not exists (
            select from run_score s
            where s.run_id = k.run_id and s.evaluator_version_id = k.evaluator_version_id and s.slice = ''
              and s.value is not null)
        """),
        {"run": run_id},
    )
    session.execute(
        text("""
        insert into version_score (version_id, evaluator_version_id, workspace_id, file_id, run_id, value, lo, hi, n, at)
        select r.version_id, s.evaluator_version_id, r.workspace_id, v.file_id, r.id, s.value, s.lo, s.hi, s.n, r.finished_at
        from run_score s join run r on r.id = s.run_id join version v on v.id = r.version_id
        where r.id = :run and r.status = 'completed' and s.slice = '' and s.value is not null
          and r.dataset_version_id is not null and not (
            exists (
                select from run_item i
                where i.run_id = r.id and (i.state <> 'done' or i.error like 'not run: %'))
            and exists (
                select from version_score k
                where k.version_id = r.version_id and k.evaluator_version_id = s.evaluator_version_id and k.n > s.n))
        on conflict (version_id, evaluator_version_id) do update
            set run_id = excluded.run_id, value = excluded.value, lo = excluded.lo, hi = excluded.hi,
                n = excluded.n, at = excluded.at
            where version_score.at <= excluded.at
        """),
        {"run": run_id},
    )
