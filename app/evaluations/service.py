"""Evaluations: asking a question about versions, by which evaluators, against which baseline."""

from collections.abc import Collection, Sequence
from functools import partial

from sqlalchemy.orm import Session

from app.core import clock, ids, waiting
from app.core.access import Principal
from app.core.conflicts import again_on_deadlock
from app.core.errors import Conflict, Invalid, NotFound
from app.evaluations import (
    finishing,
    late_judging,
    repository,
    run_service,
    sharing_repository,
    stopping_rules,
)
from app.evaluations.models import ENDED, EVALUATED, Evaluation, EvaluationEvaluator, Run
from app.evaluators.binding import is_judged_here
from app.files.models import File, FileKind, Version
from app.workspaces import audit

LONGEST_NAME = 200
_LOOKED_AT = "This evaluation stops as soon as its primary score is clear: that score was chosen before the first look, and stays."


def create_evaluation(
    session: Session,
    principal: Principal,
    *,
    file: File | None,
    name: str | None,
    evaluators: Sequence[Version],
    elsewhere: Collection[Version] = (),
    smallest_difference: float | None = None,
    stops_when_clear: bool = False,
) -> Evaluation:
    """A new evaluation of a file; without one, of what the first run of a version, or the first log of a run without one, is of.
    Its first evaluator is the primary one until another is chosen, and holds its place until then.

    With `stops_when_clear` its runs end as soon as the primary score tells each candidate from the baseline. By those of the evaluators that judge `elsewhere`, the workers do not.

    Raises:
        Conflict: the file has an evaluation of this name.
        Invalid: neither a file nor an evaluator is named, the file is neither prompt, flow nor agent, an evaluator is not one, the name is too long, or it cannot stop as soon as
            it is clear.
    """
    if file is None and not evaluators:
        said = "Name the file by its id or path, or an evaluator: the first run then says which file it is."
        raise Invalid(said, fields={"file": said})
    place = file or evaluators[0].file
    if file and file.kind not in EVALUATED:
        said = f"{file.path} is a {file.kind}: prompts, flows and agents are evaluated."
        raise Invalid(said, fields={"file": said})
    if (
        not name or not name.strip()
    ):  # any other is kept as it was sent: clients look for it by what they sent
        name = f"Evaluation{f' of {file.name}' if file else ''}, {clock.now():%Y-%m-%d %H:%M:%S}"
    _refuse_long(name)
    if repository.find_evaluation_by_name(session, place.id, name):
        raise Conflict(taken(place, name))
    evaluation = Evaluation(
        id=ids.new_id("evr"),
        workspace_id=place.workspace_id,
        file_id=place.id,
        name=name,
        smallest_difference=smallest_difference,
        stops_when_clear=stops_when_clear,
        created_by=principal.user_id,
        created_by_name=principal.name,
    )
    session.add(evaluation)
    session.flush()
    add_evaluators(session, evaluation, evaluators, elsewhere)
    if stops_when_clear:
        stopping_rules.refuse_evaluation(session, evaluation)
    return evaluation


def taken(file: File, name: str) -> str:
    """What is said where a file has an evaluation of this name."""
    return f"{file.path} has an evaluation called `{name}` already."


def _refuse_long(name: str) -> None:
    if len(name) > LONGEST_NAME:
        said = f"Keep the name under {LONGEST_NAME} characters."
        raise Invalid(said, fields={"name": said})


def get_evaluation(session: Session, principal: Principal, evaluation_id: str) -> Evaluation:
    """The evaluation with this id.

    Raises:
        NotFound: the workspace has no such evaluation.
    """
    evaluation = repository.find_evaluation(session, principal.workspace_id, evaluation_id)
    if evaluation is None:
        raise NotFound(f"There is no evaluation with the id {evaluation_id}.")
    return evaluation


def add_evaluators(
    session: Session,
    evaluation: Evaluation,
    evaluators: Sequence[Version],
    elsewhere: Collection[Version] = (),
) -> None:
    """Add evaluators; outputs that are there already are judged by them too, without being made again.

    By those of them that judge `elsewhere`, the workers do not. What the evaluation has already stays as it is.

    Raises:
        Invalid: one of them is not an evaluator, or asks a model without a price where a limit in dollars has to hold.
        OverBudget: one asks a model, there are outputs for it to judge, and the budget of this month is spent.
    """
    links = repository.list_evaluator_links(session, [evaluation.id])
    known = {link.evaluator_version_id for link in links}
    fresh = [version for version in dict.fromkeys(evaluators) if version.id not in known]
    for position, version in enumerate(fresh, start=len(links)):
        if version.file.kind != FileKind.EVALUATOR:
            raise Invalid(f"{version.file.path} is a {version.file.kind}, not an evaluator.")
        session.add(
            EvaluationEvaluator(
                evaluation_id=evaluation.id,
                evaluator_version_id=version.id,
                position=position,
                orchestrated=version not in elsewhere,
            )
        )
        evaluation.primary_evaluator_id = evaluation.primary_evaluator_id or version.id
    session.flush()
    runs = repository.list_runs(session, [evaluation.id]) if fresh else []
    here = [version for version in fresh if version not in elsewhere and is_judged_here(version.spec)]
    if runs and here:
        run_service.refuse_to_judge(session, evaluation, runs, here)

    def judge(run: Run) -> None:
        with waiting.patient_with_locks(session):  # somebody may be reopening all of its rows
            run_service.lock(session, run)
        if run.status in ("pending", "running"):
            return  # its end looks for evaluators that came late
        if late_judging.judge_more(session, run, here):
            return
        if len(here) < len(fresh):  # people may have judged its outputs before
            finishing.score_again(session, run.id)

    for run in runs:
        # Who judges more holds the run, and may wait for a row that a worker is writing, who then waits for the run.
        again_on_deadlock(session, partial(judge, run))


def name_evaluators(
    session: Session,
    evaluation: Evaluation,
    evaluators: Sequence[Version],
    elsewhere: Collection[Version] = (),
) -> list[Version]:
    """Add those of the evaluators of which the evaluation has no version, as `add_evaluators` does, which raises the same; these."""
    repository.lock_evaluation(session, evaluation.id)
    known = {version.file_id for version in repository.list_evaluators(session, evaluation.id)}
    missing = [version for version in dict.fromkeys(evaluators) if version.file_id not in known]
    if missing:
        add_evaluators(session, evaluation, missing, elsewhere)
    return missing


def remove_evaluator(session: Session, evaluation: Evaluation, evaluator_version_id: str) -> None:
    """Take an evaluator out of the report; its judgments stay with the logs.

    Raises:
        Conflict: its score ends the evaluation's runs as soon as it is clear.
        NotFound: the evaluation does not have it.
    """
    if evaluation.stops_when_clear and evaluation.primary_evaluator_id == evaluator_version_id:
        raise Conflict(_LOOKED_AT)
    if not repository.remove_evaluator(session, evaluation.id, evaluator_version_id):
        raise NotFound("The evaluation does not have this evaluator.")
    session.flush()
    for run in repository.list_runs(session, [evaluation.id]):
        if run.status == "running" and not run.orchestrated:  # it may have waited for this one only
            run_service.end_if_done(session, run)
    if evaluation.primary_evaluator_id == evaluator_version_id:
        left = repository.list_evaluators(session, evaluation.id)
        evaluation.primary_evaluator_id = left[0].id if left else None


def change_evaluation(
    session: Session,
    evaluation: Evaluation,
    *,
    name: str | None = None,
    primary_evaluator_id: str | None = None,
    baseline_run_id: str | None = None,
) -> None:
    """Rename, or choose the primary evaluator or the baseline; None leaves a property as it is.

    Raises:
        Conflict: the name is taken; or another primary evaluator was looked at to end the runs as soon as it is clear.
        Invalid: the name is too long.
        NotFound: no such evaluator or run in the evaluation.
    """
    if name is not None and name.strip() and name != evaluation.name:
        _refuse_long(name)
        if repository.find_evaluation_by_name(session, evaluation.file_id, name):
            raise Conflict(f"There is an evaluation called `{name}` already.")
        evaluation.name = name
    if primary_evaluator_id is not None:
        if primary_evaluator_id not in {v.id for v in repository.list_evaluators(session, evaluation.id)}:
            raise NotFound("The evaluation does not have this evaluator.")
        if evaluation.stops_when_clear and primary_evaluator_id != evaluation.primary_evaluator_id:
            raise Conflict(_LOOKED_AT)
        evaluation.primary_evaluator_id = primary_evaluator_id
    if baseline_run_id is not None:
        run_service.set_control(
            session, evaluation, run_service.get_run(session, evaluation, baseline_run_id)
        )


def delete_evaluation(session: Session, principal: Principal, evaluation: Evaluation) -> None:
    """Delete an evaluation with its runs, those that go on included: their workers stop. The logs stay, and so do runs that
    another evaluation shows.

    Raises:
        Forbidden: a member deletes what somebody else made.
    """
    principal.refuse_others_work(evaluation.created_by)
    audit.record(session, principal, "evaluation.deleted", "evaluation", evaluation.id, name=evaluation.name)

    def delete() -> None:
        _leave_shared(session, evaluation)
        # Workers write items before the run: in their order, they wait for us, and we for them, one after the other.
        own = sharing_repository.runs_at_home(session, evaluation.id)
        repository.lock_items(session, own)
        for run_id in own:
            repository.lock_run(session, run_id)
        # After the runs, as who scores them does. From here on none moves in; what has meanwhile goes on to the next.
        repository.lock_evaluation(session, evaluation.id)
        _leave_shared(session, evaluation)
        repository.delete_evaluation(session, evaluation.id)

    part_of_it = sharing_repository.runs_by_evaluation(session, [evaluation.id])[evaluation.id]
    again_on_deadlock(session, delete)
    session.expunge(evaluation)
    for run_id in sorted(
        part_of_it
    ):  # another evaluation may show it, and it may have waited for this one's only
        run = (
            repository.find_run_to_work_on(session, run_id) if repository.lock_run(session, run_id) else None
        )
        if run and run.status not in ENDED:
            run_service.end_if_done(session, run)


def _leave_shared(session: Session, evaluation: Evaluation) -> None:
    """Leave the runs that others show, too, to them."""
    for run_id in sharing_repository.shared_at_home(session, evaluation.id):
        repository.lock_run(session, run_id)
        sharing_repository.leave(session, evaluation.id, run_id)
