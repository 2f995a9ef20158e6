"""The scores that a gate decides on: all rows that should have one, those without at the end that the gate asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluations.figures import score_repository
from app.evaluations.figures.score_repository import Gap
from app.evaluations.figures.scores import Column, Pairs, ScoreTable, load_scores
from app.evaluations.models import Run
from app.evaluators.binding import is_judged_here
from app.evaluators.describing import EvaluatorInfo
from app.files.models import Version
from app.statistics.arrays import np


@dataclass(frozen=True, slots=True)
class GateScores:
    """The scores of the compared runs, and the outputs that should have one and have none."""

    table: ScoreTable
    gaps: Mapping[tuple[str, str], Sequence[Gap]]
    """By run and evaluator version: rows of which an output failed, was not run, or was not judged; by evaluators that
    people or programs elsewhere judge by, those of which the judging failed."""

    def missing(self, run: Run, evaluator: Version) -> int:
        """Rows of a run of which at least one output has no score and should."""
        return len(self.gaps.get((run.id, evaluator.id), ()))

    def column(self, run: Run, evaluator: Version) -> Column:
        """What was judged, as it is."""
        return self.table.column(run.id, evaluator.id)

    def by_row(self, run: Run, evaluator: Version, end: float | None) -> dict[str, float]:
        """The score of each row, what is missing counted as `end`; None leaves out what is missing."""
        found = self.column(run, evaluator).by_row()
        if end is None:
            return found
        for gap in self.gaps.get((run.id, evaluator.id), ()):
            kept = gap.outputs - gap.missing
            scored = found.get(gap.datapoint_id)
            found[gap.datapoint_id] = (
                end if scored is None else (scored * kept + end * gap.missing) / gap.outputs
            )
        return found

    def sample(self, run: Run, evaluator: Version, end: float | None) -> tuple[list[float], list[str] | None]:
        """The scores of a run with their clusters, in the same order."""
        found = self.by_row(run, evaluator, end)
        return list(found.values()), self.table.clusters_of(list(found))

    def pairs(
        self, baseline: Run, candidate: Run, evaluator: Version, ends: tuple[float | None, float | None]
    ) -> Pairs:
        """The rows of both runs; `ends` are what is missing of the baseline, and of the candidate."""
        before, after = (
            self.by_row(run, evaluator, end) for run, end in zip((baseline, candidate), ends, strict=True)
        )
        shared = [row for row in before if row in after]
        return Pairs(
            shared,
            np.array([before[row] for row in shared]),
            np.array([after[row] for row in shared]),
            self.table.clusters_of(shared),
        )


def load_gate_scores(session: Session, runs: Sequence[Run], evaluators: Sequence[Version]) -> GateScores:
    """What `evaluators` said of `runs`."""
    wanted = [version.id for version in evaluators]
    run_ids = [run.id for run in runs]
    elsewhere = [version.id for version in evaluators if not is_judged_here(version.spec)]
    return GateScores(
        load_scores(session, runs, wanted),
        score_repository.load_gaps(session, run_ids, wanted, judged_elsewhere=elsewhere) if wanted else {},
    )


def ends_of(info: EvaluatorInfo) -> tuple[float, float] | None:
    """The worst and the best score by an evaluator; None where its scale has no ends."""
    if not info.is_share:
        return None
    return (0.0, 1.0) if info.wanted == "higher" else (1.0, 0.0)
