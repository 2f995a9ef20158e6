"""The numbers of an evaluation: each version's score, the paired change against the baseline, what answers took.

They are worked out once for a state of its runs and kept in this process.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import ids
from app.evaluations import score_repository
from app.evaluations.models import Evaluation, Run
from app.evaluations.scores import Pairs, ScoreTable, load_scores, run_interval
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version
from app.statistics.bootstrap import percentile_statistic
from app.statistics.intervals import Interval
from app.statistics.paired import Changes, PairedTest, count_changes, paired_difference, paired_test
from app.statistics.verdict import Verdict, verdict


@dataclass(frozen=True, slots=True)
class Cell:
    """One version's score by one evaluator."""

    interval: Interval | None
    errors: int
    """Rows on which the evaluator failed or had nothing to judge: they are in no mean, and counted here."""
    without_score: int


@dataclass(frozen=True, slots=True)
class Change:
    """The candidate against the baseline by one evaluator, paired on the rows that both have."""

    delta: Interval | None
    test: PairedTest | None
    verdict: Verdict
    changes: Changes | None
    unpaired: int
    """Rows that only one of the two has a score for."""

    @property
    def n(self) -> int:
        """Rows in the comparison."""
        return self.delta.n if self.delta else 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run's answers took: figures where they are known."""

    p95_latency_ms: float | None
    cost_per_1000_usd: float | None
    mean_prompt_tokens: float | None
    mean_output_tokens: float | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is worked out of judgments and logs; changes only with the state that `state_key` hashes."""

    table: ScoreTable
    cells: Mapping[str, Mapping[str, Cell]]
    """By evaluator version id and run id."""
    changes: Mapping[str, Mapping[str, Change]]
    usage: Mapping[str, Usage]

    @property
    def size(self) -> int:
        """How many scores are held."""
        return sum(column.n for column in self.table.columns.values())


_MOST_SCORES = 200_000
"""About 40 MB."""
_kept: OrderedDict[str, Numbers] = OrderedDict()
"""Of the evaluations that this process showed last: nobody waits twice for the same statistics."""
_keeping = threading.Lock()


def state_key(evaluation: Evaluation, runs: Sequence[Run], evaluator_ids: Sequence[str] = ()) -> str:
    """A hash of all that the numbers of an evaluation depend on: while it stays the same, so do they."""
    state = [[r.id, r.control, str(r.scored_at), r.status, r.done_count, r.judgments_count] for r in runs]
    whole = {
        "evaluation": evaluation.id,
        "primary": evaluation.primary_evaluator_id,
        "smallest": evaluation.smallest_difference,
        "runs": state,
        "evaluators": list(evaluator_ids),
    }
    return ids.content_hash(ids.canonical_json(whole))


def numbers_of(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    baseline: Run | None,
    evaluators: Sequence[Version],
) -> Numbers:
    """The numbers of `runs` as they stand, by `evaluators`; those of the same state are worked out once."""
    key = state_key(evaluation, runs, [version.id for version in evaluators])
    with _keeping:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = _work_out(session, evaluation, runs, baseline, evaluators)
    with _keeping:
        _kept[key] = found
        while len(_kept) > 1 and sum(each.size for each in _kept.values()) > _MOST_SCORES:
            _kept.popitem(last=False)
    return found


def _work_out(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    baseline: Run | None,
    evaluators: Sequence[Version],
) -> Numbers:
    table = load_scores(session, runs, [version.id for version in evaluators])
    usage = score_repository.load_usage(session, [run.id for run in runs])
    return Numbers(
        table=table,
        cells={version.id: {run.id: _cell(table, run, version) for run in runs} for version in evaluators},
        changes={version.id: _changes(evaluation, version, runs, baseline, table) for version in evaluators},
        usage={run_id: _usage(found) for run_id, found in usage.items()},
    )


def _changes(
    evaluation: Evaluation, version: Version, runs: Sequence[Run], baseline: Run | None, table: ScoreTable
) -> dict[str, Change]:
    """The change of each candidate by an evaluator."""
    if baseline is None:
        return {}
    smallest = evaluation.smallest_difference if version.id == evaluation.primary_evaluator_id else None
    return {run.id: compare(table, baseline, run, version, smallest) for run in runs if run is not baseline}


def _cell(table: ScoreTable, run: Run, version: Version) -> Cell:
    column = table.column(run.id, version.id)
    return Cell(run_interval(table, run.id, version), column.errors, column.without_score)


def compare(
    table: ScoreTable, baseline: Run, candidate: Run, version: Version, smallest_difference: float | None
) -> Change:
    """The paired change from `baseline` to `candidate` by an evaluator, with its test and its word."""
    info = describe(version.spec)
    pairs = table.pairs(baseline.id, candidate.id, version.id)
    before, after = table.column(baseline.id, version.id), table.column(candidate.id, version.id)
    delta = _difference(pairs, info, 0.95)
    test = (
        paired_test(pairs.baseline, pairs.candidate, pairs.clusters, share=info.is_share)
        if pairs.rows
        else None
    )
    return Change(
        delta=delta,
        test=test,
        verdict=verdict(
            delta,
            n=len(pairs.rows),
            failed_all=_failed(before.n, before.errors) or _failed(after.n, after.errors),
            running=any(run.status in ("pending", "running") for run in (baseline, candidate)),
            wanted=info.wanted,
            smallest_difference=smallest_difference,
            share=info.is_share,
            delta90=_difference(pairs, info, 0.90) if smallest_difference else None,
            p=test.p if test else None,
        ),
        changes=count_changes(pairs.baseline, pairs.candidate) if pairs.rows else None,
        unpaired=before.n + after.n - 2 * len(pairs.rows),
    )


def _difference(pairs: Pairs, info: EvaluatorInfo, confidence: float) -> Interval | None:
    return paired_difference(pairs.baseline, pairs.candidate, pairs.clusters, confidence, share=info.is_share)


def _failed(scored: int, errors: int) -> bool:
    return scored == 0 and errors > 0


def _usage(usage: score_repository.RunUsage) -> Usage:
    return Usage(
        p95_latency_ms=p95(usage.latencies_ms),
        cost_per_1000_usd=_mean(usage.costs_usd, 1000),
        mean_prompt_tokens=_mean(usage.prompt_tokens),
        mean_output_tokens=_mean(usage.output_tokens),
    )


def p95(values: Sequence[float]) -> float | None:
    """The value that 95 % lie below, interpolated; None for no values."""
    if not values:
        return None
    import numpy as np  # noqa: PLC0415 - reports only

    statistic = percentile_statistic(values, 0.95)
    return float(statistic(np.ones((1, len(values)), dtype=np.int32))[0])


def _mean(values: Sequence[float], times: float = 1) -> float | None:
    return sum(values) / len(values) * times if values else None
