"""The numbers of an evaluation: each version's score, the paired change against the baseline, what answers took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import ids
from app.evaluations.figures import score_repository
from app.evaluations.figures.memory import kept, state_of
from app.evaluations.figures.score_repository import Usage
from app.evaluations.figures.scores import Pairs, ScoreTable, load_scores, run_interval
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version
from app.statistics import stopping
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
class Alike:
    """An interval, and the limits that it lies within where two versions are as good as each other."""

    limit: float
    lo: float
    hi: float
    confidence: float
    """0.9, of two one-sided tests at 0.05; of a confidence sequence its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """The candidate against the baseline by one evaluator, paired on the rows that both have."""

    delta: Interval | None
    test: PairedTest | None
    verdict: Verdict
    changes: Changes | None
    unpaired: int
    """Rows that only one of the two has a score for."""
    looked_at: bool = False
    """Whether it was looked at while results came in: then interval and test hold at every look."""
    alike: Alike | None = None
    """What tells whether the difference is too small to matter; None where nobody said how small that is."""

    @property
    def n(self) -> int:
        """Rows in the comparison."""
        return self.delta.n if self.delta else 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is worked out of judgments and logs; changes only with the state that `state_key` hashes."""

    table: ScoreTable
    cells: Mapping[str, Mapping[str, Cell]]
    """By evaluator version id and run id."""
    changes: Mapping[str, Mapping[str, Change]]
    usage: Mapping[str, Usage]


def state_key(evaluation: Evaluation, runs: Sequence[Run], control_id: str | None) -> str:
    """A hash of all that the numbers of an evaluation depend on: while it stays the same, so do they."""
    state = [
        [r.id, r.id == control_id, str(r.scored_at), r.status, r.done_count, r.judgments_count, r.comparisons]
        for r in runs
    ]
    whole = {
        "evaluation": evaluation.id,
        "primary": evaluation.primary_evaluator_id,
        "smallest": evaluation.smallest_difference,
        "runs": state,
    }
    return ids.content_hash(ids.canonical_json(whole))


def numbers_of(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    baseline: Run | None,
    evaluators: Sequence[Version],
) -> Numbers:
    """The numbers of `runs` as they stand, by `evaluators`."""
    table = load_scores(session, runs, [version.id for version in evaluators])
    return Numbers(
        table=table,
        cells={version.id: {run.id: _cell(table, run, version) for run in runs} for version in evaluators},
        changes={version.id: _changes(evaluation, version, runs, baseline, table) for version in evaluators},
        usage=usage_of(session, runs),
    )


def usage_of(session: Session, runs: Sequence[Run]) -> dict[str, Usage]:
    """What the outputs of runs took, by run id; a run without any is not in it."""
    states = {run.id: of and ("usage", of) for run in runs for of in [state_of(run)]}
    found = {run_id: kept.find(state) if state else None for run_id, state in states.items()}
    unknown = [run_id for run_id, usage in found.items() if usage is None]
    read = score_repository.load_usage(session, unknown) if unknown else {}
    for run_id, usage in read.items():
        if state := states[run_id]:
            kept.keep(state, usage)
    return {run_id: usage for run_id, usage in (found | read).items() if usage is not None}


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
    before, after = (table.column(run.id, version.id).state for run in (baseline, candidate))
    comparisons = max(baseline.comparisons, candidate.comparisons)
    key = before and after and ("change", before, after, smallest_difference, comparisons)
    return kept.once(key, lambda: _compare(table, baseline, candidate, version, smallest_difference))


def _compare(
    table: ScoreTable, baseline: Run, candidate: Run, version: Version, smallest_difference: float | None
) -> Change:
    info = describe(version.spec)
    pairs = table.pairs(baseline.id, candidate.id, version.id)
    before, after = table.column(baseline.id, version.id), table.column(candidate.id, version.id)
    looked_at = version.id in (baseline.stops_by, candidate.stops_by)
    if looked_at:
        found = at_every_look(pairs, baseline, candidate, info)
        delta, delta90, test = found.delta, found.delta, found.test
    else:
        delta, delta90 = (_difference(pairs, info, confidence) for confidence in (0.95, 0.90))
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
            delta90=delta90 if smallest_difference else None,
            p=test.p if test else None,
            neutral=info.is_neutral,
        ),
        changes=count_changes(pairs.baseline, pairs.candidate) if pairs.rows else None,
        unpaired=before.n + after.n - 2 * len(pairs.rows),
        looked_at=looked_at,
        alike=_alike(delta90, smallest_difference, 0.95 if looked_at else 0.90),
    )


def _alike(delta: Interval | None, limit: float | None, confidence: float) -> Alike | None:
    if not limit or delta is None or delta.lo is None or delta.hi is None:
        return None
    return Alike(limit, delta.lo, delta.hi, confidence)


def at_every_look(
    pairs: Pairs, baseline: Run, candidate: Run, info: EvaluatorInfo, level: float = stopping.LEVEL
) -> stopping.Look:
    """The change between runs that end as soon as it is clear, by numbers that hold however often one looks."""
    return stopping.look(
        pairs.baseline,
        pairs.candidate,
        planned=candidate.rows_count,
        comparisons=max(baseline.comparisons, candidate.comparisons),
        level=level,
        ends=info.ends,
    )


def _difference(pairs: Pairs, info: EvaluatorInfo, confidence: float) -> Interval | None:
    return paired_difference(pairs.baseline, pairs.candidate, pairs.clusters, confidence, share=info.is_share)


def _failed(scored: int, errors: int) -> bool:
    return scored == 0 and errors > 0
