"""What the list of evaluations shows: what each one found, and how it is getting on."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations import repository
from app.evaluations.headline import Headline, headline
from app.evaluations.models import Evaluation, Run
from app.evaluations.report import Progress, Report, build_report, progress_of
from app.files import repository as files
from app.files.models import File

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class ListedEvaluation:
    """One evaluation with its finding."""

    evaluation: Evaluation
    file: File | None
    report: Report
    candidate: Run | None
    headline: Headline
    state: Progress | None
    """None where nothing was started."""

    @property
    def runs(self) -> Sequence[Run]:
        """The versions that are compared."""
        return self.report.runs


def list_findings(
    session: Session, principal: Principal, search: str, page: int
) -> tuple[list[ListedEvaluation], int]:
    """A page of evaluations, newest first, and how many there are."""
    found, total = repository.list_evaluations(
        session, principal.workspace_id, search=search, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE
    )
    return [_listed(session, evaluation) for evaluation in found], total


def _listed(session: Session, evaluation: Evaluation) -> ListedEvaluation:
    report = build_report(session, evaluation)
    candidate = report.candidates[-1] if report.candidates else None
    states = {progress_of(run) for run in report.runs}
    order: tuple[Progress, ...] = ("stuck", "running", "waiting", "cancelled", "completed")
    return ListedEvaluation(
        evaluation=evaluation,
        file=files.find_file(session, evaluation.workspace_id, evaluation.file_id),
        report=report,
        candidate=candidate,
        headline=headline(report, candidate),
        state=next((state for state in order if state in states), None),
    )
