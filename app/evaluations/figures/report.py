"""The report of an evaluation: each version's scores, the paired change against the baseline, and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy.orm import Session

from app.core import clock
from app.evaluations import repository, sharing_repository
from app.evaluations.figures import score_repository
from app.evaluations.figures.numbers import Cell, Change, numbers_of
from app.evaluations.figures.score_repository import Usage
from app.evaluations.figures.scores import ScoreTable
from app.evaluations.models import ENDED, Evaluation, Run, RunScore
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version

STUCK_AFTER = timedelta(seconds=30)
_MOST_REASONS = 8


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
        """Every compared run but the baseline; none where there is none to compare with."""
        return [run for run in self.runs if run is not self.baseline] if self.baseline else []

    def shown(self, candidate: Run | None) -> Run | None:
        """The run that counts are of: the candidate, else the baseline, else (where that was taken out) the oldest."""
        return candidate or self.baseline or next(iter(self.runs), None)

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
    runs, baseline = compared_of(session, evaluation)
    evaluators = repository.list_evaluators(session, evaluation.id)
    numbers = numbers_of(session, evaluation, runs, baseline, evaluators)
    run_ids = [run.id for run in runs]
    by_id = {run.id: run for run in runs}
    return Report(
        evaluation=evaluation,
        runs=runs,
        baseline=baseline,
        rows=[
            EvaluatorRow(
                version=version,
                info=describe(version.spec),
                primary=version.id == evaluation.primary_evaluator_id,
                cells=numbers.cells[version.id],
                changes=numbers.changes[version.id],
            )
            for version in evaluators
        ],
        usage=numbers.usage,
        corpus=[score for score in repository.list_run_scores(session, run_ids) if score.slice],
        reasons=[
            Reason(by_id[run_id], text, count)
            for run_id, text, count in score_repository.load_failures(session, run_ids, _MOST_REASONS)
        ],
        table=numbers.table,
    )


def compared_of(session: Session, evaluation: Evaluation) -> tuple[list[Run], Run | None]:
    """The runs of an evaluation that are compared, as `compared_runs`, and which one is the baseline."""
    runs = repository.list_runs(session, [evaluation.id])
    return compared_runs(runs, sharing_repository.find_control(session, evaluation.id))


def compared_runs(runs: Sequence[Run], control_id: str | None) -> tuple[list[Run], Run | None]:
    """The newest run of each version on each dataset version, and which one is the baseline.

    `runs` come newest first. The baseline is the control run; where that one was replaced by a newer run of the
    same version, the newer one. A run without a dataset or a version stands for itself: none repeats it.
    """
    newest: dict[tuple[str | None, ...], Run] = {}
    for run in runs:
        newest.setdefault(_compared_as(run), run)
    control = next((run for run in runs if run.id == control_id), None)
    baseline = newest.get(_compared_as(control)) if control else None
    rest = sorted(
        (run for run in newest.values() if run is not baseline), key=lambda run: (run.created_at, run.id)
    )
    return ([baseline, *rest] if baseline else rest), baseline


def _compared_as(run: Run) -> tuple[str | None, ...]:
    return (run.id,) if run.takes_any_log else (run.version_id, run.dataset_version_id)


Progress = Literal["waiting", "running", "stuck", "completed", "cancelled"]


def progress_of(run: Run, *, busy: bool = False) -> Progress:
    """How a run is getting on. One without a result for half a minute is stuck, and is shown as such.

    One that was never begun only waits while the workers are `busy` with other runs.
    """
    if run.status in ENDED:
        return "completed" if run.status == "completed" else "cancelled"
    if not run.orchestrated:  # it waits for its caller, for as long as that takes
        return "running" if run.done_count else "waiting"
    moved = run.progressed_at or run.created_at
    if clock.now() - moved > STUCK_AFTER and not (run.status == "pending" and busy):
        return "stuck"
    return "running" if run.status == "running" else "waiting"
