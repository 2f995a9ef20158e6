"""What evaluations found, as lists show it: a sentence each, kept with the evaluation, and how it is getting on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations import repository, sharing_repository
from app.evaluations.figures import last_score_repository
from app.evaluations.figures.headline import Headline, headline
from app.evaluations.figures.models_used import ModelUsed, models_of_runs
from app.evaluations.figures.numbers import state_key
from app.evaluations.figures.report import Progress, build_report, compared_runs, progress_of
from app.evaluations.models import Evaluation, Run
from app.files.models import File

PAGE_SIZE = 20
_MOST_URGENT_FIRST: Sequence[Progress] = ("stuck", "running", "waiting", "cancelled", "completed")


@dataclass(frozen=True, slots=True)
class Finding:
    """An evaluation and what it found."""

    evaluation: Evaluation
    file: File | None
    """What it is about; None once the file is gone."""
    runs: Sequence[Run]
    """Those that are compared, the baseline first."""
    headline: Headline
    state: Progress | None
    """That of the run which needs most attention; None where nothing was started."""
    practice: bool
    """Whether the practice model, which is not an LLM, answered for one of them."""


def list_page(session: Session, principal: Principal, search: str, page: int) -> tuple[list[Finding], int]:
    """A page of the workspace's evaluations, newest first, and how many there are."""
    found, total = repository.list_evaluations(
        session, principal.workspace_id, search=search, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE
    )
    return findings_of(session, found), total


def findings_of(session: Session, evaluations: Sequence[Evaluation]) -> list[Finding]:
    """What each of `evaluations` found, in their order, in a fixed number of queries once the sentences are kept."""
    every = [evaluation.id for evaluation in evaluations]
    of, controls = (
        sharing_repository.runs_by_evaluation(session, every),
        sharing_repository.find_controls(session, every),
    )
    runs = repository.list_runs(session, every)
    by_evaluation = {key: [run for run in runs if run.id in of[key]] for key in every}
    busy = repository.workers_are_busy(session)
    about = last_score_repository.find_subjects(session, {each.file_id for each in evaluations})
    models = models_of_runs(session, runs)
    return [
        _finding(
            session,
            evaluation,
            by_evaluation[evaluation.id],
            controls.get(evaluation.id),
            about.get(evaluation.file_id),
            models,
            busy=busy,
        )
        for evaluation in evaluations
    ]


def keep_finding(session: Session, evaluation_id: str) -> None:
    """Work out the sentence of an evaluation, unless it is kept already, so that no reader waits for it."""
    evaluation = repository.find_evaluation_to_work_on(session, evaluation_id)
    if evaluation is not None:
        control_id = sharing_repository.find_control(session, evaluation_id)
        _headline(session, evaluation, repository.list_runs(session, [evaluation_id]), control_id)


def _finding(
    session: Session,
    evaluation: Evaluation,
    runs: Sequence[Run],
    control_id: str | None,
    file: File | None,
    models: Mapping[str, ModelUsed],
    *,
    busy: bool,
) -> Finding:
    states = {progress_of(run, busy=busy) for run in runs}
    compared = compared_runs(runs, control_id)[0]
    return Finding(
        evaluation=evaluation,
        file=file,
        runs=compared,
        headline=_headline(session, evaluation, runs, control_id),
        state=next((state for state in _MOST_URGENT_FIRST if state in states), None),
        practice=any(models[run.id].practice for run in compared),
    )


def _headline(
    session: Session, evaluation: Evaluation, runs: Sequence[Run], control_id: str | None
) -> Headline:
    if any(run.status in ("pending", "running") for run in runs):
        done, total = sum(run.done_count for run in runs), sum(run.items_count for run in runs)
        return Headline("Too early to say", "", "", f"{done:,} of {total:,} answers are in.")
    kept = dict(evaluation.finding or {})
    if kept.pop("of", None) == state_key(evaluation, runs, control_id):
        return Headline(**kept)
    # Its baseline, its primary evaluator or its runs have changed: work it out, and keep it for the next reader.
    report = build_report(session, evaluation)
    found = headline(report, report.candidates[-1] if report.candidates else None)
    repository.keep_finding(
        session, evaluation.id, {"of": state_key(evaluation, runs, control_id), **asdict(found)}
    )
    return found
