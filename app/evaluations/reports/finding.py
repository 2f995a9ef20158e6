"""What a report found about one version: the sentence, what could still change it, and what to do next."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.settings import get_settings
from app.evaluations.figures.headline import Headline, headline
from app.evaluations.figures.report import Report
from app.evaluations.models import Run
from app.evaluations.reports.doubts import MissingRows, missing_rows, more_rows
from app.evaluations.reports.next_step import NextStep, next_step
from app.evaluations.reports.scoreboard import Operation, list_operations
from app.files import repository as files


@dataclass(frozen=True, slots=True)
class Finding:
    """About `candidate`, or about the only version where there is none."""

    candidate: Run | None
    headline: Headline
    operations: Sequence[Operation]
    missing: MissingRows | None
    deployed: Sequence[str]
    """The ids of the versions that run in the default environment."""
    next: NextStep | None


def find_step(session: Session, report: Report, candidate: Run | None) -> Finding:
    """What is found about `candidate` by the primary evaluator."""
    said, operations = headline(report, candidate), list_operations(report, candidate)
    missing = missing_rows(report, candidate)
    deployed = [
        deployment.version_id
        for environment, deployment in files.deployed_environments(session, [report.evaluation.file_id])
        if environment.tag == "default"
    ]
    step = next_step(
        report,
        candidate,
        said,
        missing=missing,
        more=more_rows(report, candidate),
        operations=operations,
        deployed=deployed,
    )
    return Finding(candidate, said, operations, missing, deployed, step)


def rows_that_got_worse(report: Report, candidate: Run) -> str:
    """Where the comparison of exactly these rows stands, below the evaluation's address."""
    runs = f"{report.baseline.id},{candidate.id}" if report.baseline else candidate.id
    return f"/rows?cols={runs}&only=worse"


def present_findings(session: Session, report: Report, slug: str) -> list[dict[str, Any]]:
    """One of each candidate, in the order of the report; of the only version where nothing is compared. `slug` is the workspace's."""
    candidates: list[Run | None] = [*report.candidates]
    return [_present(find_step(session, report, run), report, slug) for run in candidates or [None]]


def _present(found: Finding, report: Report, slug: str) -> dict[str, Any]:
    step = found.next
    change = report.primary.changes.get(found.candidate.id) if report.primary and found.candidate else None
    return {
        "run_id": found.candidate.id if found.candidate else None,
        "sentence": found.headline.text,
        "evidence": found.headline.detail,
        "missing": found.missing.sentence if found.missing else None,
        "equivalence": asdict(change.alike) if change and change.alike else None,
        "next": {
            "step": step.do,
            "why": step.why,
            "more_rows": step.rows,
            "rows_that_got_worse_url": _worse_url(found.candidate, step, report, slug),
        }
        if step
        else None,
    }


def _worse_url(candidate: Run | None, step: NextStep, report: Report, slug: str) -> str | None:
    if candidate is None or not step.read:
        return None
    base = f"{get_settings().public_url}/w/{slug}/evaluations/{report.evaluation.id}"
    return base + rows_that_got_worse(report, candidate)
