"""The report of an evaluation: each version's scores, the paired change against the baseline, and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy.orm import Session

from app.core import clock
from app.evaluations import repository, score_repository
from app.evaluations.models import Evaluation, Run, RunScore
from app.evaluations.scores import Pairs, ScoreTable, load_scores, run_interval
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version
from app.statistics.bootstrap import percentile_statistic
from app.statistics.intervals import Interval
from app.statistics.paired import Changes, PairedTest, count_changes, paired_difference, paired_test
from app.statistics.verdict import Verdict, verdict

STUCK_AFTER = timedelta(seconds=30)
_MOST_REASONS = 8


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
class EvaluatorRow:
    """One line of the score table."""

    version: Version
    info: EvaluatorInfo
    primary: bool
    cells: Mapping[str, Cell]
    """By run id."""
    changes: Mapping[str, Change]
    """By candidate run id."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run's answers took: figures where they are known."""

    p95_latency_ms: float | None
    cost_per_1000_usd: float | None
    mean_prompt_tokens: float | None
    mean_output_tokens: float | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Rows of a run that failed alike."""

    run: Run
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report page and the stats of the API say."""

    evaluation: Evaluation
    runs: Sequence[Run]
    """Those that are compared: the newest of each version and dataset, baseline first, then oldest first."""
    baseline: Run | None
    rows: Sequence[EvaluatorRow]
    usage: Mapping[str, Usage]
    corpus: Sequence[RunScore]
    """Corpus metrics of finished runs, such as macro-F1 with its confusion."""
    reasons: Sequence[Reason]
    table: ScoreTable

    @property
    def candidates(self) -> list[Run]:
        """Every compared run but the baseline."""
        return [run for run in self.runs if run is not self.baseline]

    @property
    def primary(self) -> EvaluatorRow | None:
        """The line that the headline is about."""
        return next((row for row in self.rows if row.primary), None)

    @property
    def running(self) -> bool:
        """Whether results are still coming in."""
        return any(run.status in ("pending", "running") for run in self.runs)


def build_report(session: Session, evaluation: Evaluation) -> Report:
    """The report of an evaluation as it stands: partial results are marked as such by their verdict."""
    runs, baseline = compared_runs(repository.list_runs(session, [evaluation.id]))
    evaluators = repository.list_evaluators(session, evaluation.id)
    table = load_scores(session, runs, [version.id for version in evaluators])
    run_ids = [run.id for run in runs]
    by_id = {run.id: run for run in runs}
    return Report(
        evaluation=evaluation,
        runs=runs,
        baseline=baseline,
        rows=[_row(evaluation, version, runs, baseline, table) for version in evaluators],
        usage={
            run_id: _usage(usage) for run_id, usage in score_repository.load_usage(session, run_ids).items()
        },
        corpus=[score for score in repository.list_run_scores(session, run_ids) if score.slice],
        reasons=[
            Reason(by_id[run_id], text, count)
            for run_id, text, count in score_repository.load_failures(session, run_ids, _MOST_REASONS)
        ],
        table=table,
    )


def compared_runs(runs: Sequence[Run]) -> tuple[list[Run], Run | None]:
    """The newest run of each version on each dataset version, and which one is the baseline.

    `runs` come newest first. The baseline is the control run; where that one was replaced by a newer run of the
    same version, the newer one.
    """
    newest: dict[tuple[str, str], Run] = {}
    for run in runs:
        newest.setdefault((run.version_id, run.dataset_version_id), run)
    control = next((run for run in runs if run.control), None)
    baseline = newest.get((control.version_id, control.dataset_version_id)) if control else None
    rest = sorted(
        (run for run in newest.values() if run is not baseline), key=lambda run: (run.created_at, run.id)
    )
    return ([baseline, *rest] if baseline else rest), baseline


def _row(
    evaluation: Evaluation, version: Version, runs: Sequence[Run], baseline: Run | None, table: ScoreTable
) -> EvaluatorRow:
    info = describe(version.spec)
    candidates = [run for run in runs if baseline is not None and run is not baseline]
    is_primary = version.id == evaluation.primary_evaluator_id
    smallest = evaluation.smallest_difference if is_primary else None
    return EvaluatorRow(
        version=version,
        info=info,
        primary=is_primary,
        cells={run.id: _cell(table, run, version) for run in runs},
        changes={run.id: compare(table, baseline, run, version, smallest) for run in candidates if baseline},
    )


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


Progress = Literal["waiting", "running", "stuck", "completed", "cancelled"]


def progress_of(run: Run) -> Progress:
    """How a run is getting on. One without a result for half a minute is stuck, and is shown as such."""
    if run.status in ("completed", "cancelled"):
        return "completed" if run.status == "completed" else "cancelled"
    moved = run.progressed_at or run.created_at
    if clock.now() - moved > STUCK_AFTER:
        return "stuck"
    return "running" if run.status == "running" else "waiting"
