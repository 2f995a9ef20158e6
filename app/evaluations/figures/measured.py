"""What the versions of a prompt scored when they were last evaluated, by the evaluator that is asked about now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluations import repository
from app.evaluations.figures import last_score_repository
from app.evaluations.figures.last_score_repository import KeptScore
from app.evaluations.figures.numbers import Change, compare
from app.evaluations.figures.report import compared_runs
from app.evaluations.figures.scores import ScoreTable, load_scores
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import File, Version
from app.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Measured:
    """The last scores of a file's versions, and the newest evaluation that has finished ones."""

    evaluation: Evaluation
    evaluator: Version
    """Its primary evaluator."""
    info: EvaluatorInfo
    kept: Mapping[str, KeptScore]
    """The last score of each version by this evaluator, from whichever evaluation, by version id."""
    runs: Mapping[str, Run]
    """The newest finished run of each version in this evaluation, by version id."""
    table: ScoreTable

    @property
    def title(self) -> str:
        """What people call the evaluator."""
        return self.evaluator.file.name

    def interval(self, version_id: str) -> Interval | None:
        """The last score of a version; None where it has none."""
        kept = self.kept.get(version_id)
        if kept is None:
            return None
        score = kept.score
        return Interval(score.value, score.lo, score.hi, score.n, kept.method, kept.clusters)

    def elsewhere(self, version_id: str) -> Evaluation | None:
        """The other evaluation that a version's last score comes from; None where it comes from this one."""
        kept = self.kept.get(version_id)
        return kept.evaluation if kept and kept.evaluation.id != self.evaluation.id else None

    @property
    def dataset(self) -> File | None:
        """The dataset of this evaluation's newest finished run."""
        newest = max(self.runs.values(), key=lambda run: run.created_at, default=None)
        return newest.dataset_version.file if newest and newest.dataset_version else None

    def is_comparable(self, version_id: str) -> bool:
        """Whether a version's last score is over rows of the dataset that this evaluation is about."""
        kept, dataset = self.kept.get(version_id), self.dataset
        data = kept.run.dataset_version if kept else None
        return data is not None and dataset is not None and data.file_id == dataset.id

    def change(self, before: str, after: str) -> Change | None:
        """The paired change between two versions; None unless both answered the same rows in this evaluation."""
        old, new = self.runs.get(before), self.runs.get(after)
        if old is None or new is None or old.dataset_version_id != new.dataset_version_id:
            return None
        if old.dataset_version_id is None:  # whatever logs were added to each
            return None
        return compare(self.table, old, new, self.evaluator, self.evaluation.smallest_difference)


def measure(session: Session, file: File) -> Measured | None:
    """What the versions of `file` scored; None before any evaluation of it has a finished score."""
    evaluation = last_score_repository.find_measured_evaluation(session, file.id)
    if evaluation is None:
        return None
    evaluators = repository.list_evaluators(session, evaluation.id)
    evaluator = next((v for v in evaluators if v.id == evaluation.primary_evaluator_id), None)
    if evaluator is None:
        return None
    runs = _finished(repository.list_runs(session, [evaluation.id]))
    return Measured(
        evaluation=evaluation,
        evaluator=evaluator,
        info=describe(evaluator.spec),
        kept=last_score_repository.list_kept_scores(session, file.id, evaluator.id),
        runs={run.version_id: run for run in runs if run.version_id},
        table=load_scores(session, runs, [evaluator.id]),
    )


def _finished(runs: Sequence[Run]) -> list[Run]:
    """The finished runs that are compared, oldest first."""
    finished, _ = compared_runs([run for run in runs if run.status == "completed"], None)
    return sorted(finished, key=lambda run: (run.created_at, run.id))
