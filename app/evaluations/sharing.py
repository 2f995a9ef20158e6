"""One run in several evaluations: adding it to another one, and taking it out."""

from sqlalchemy.orm import Session

from app.core import events, waiting
from app.core.access import Principal
from app.core.conflicts import again_on_deadlock
from app.core.errors import NotFound
from app.evaluations import (
    finishing,
    late_judging,
    repository,
    run_service,
    sharing_repository,
    stopping_rules,
)
from app.evaluations.channels import evaluation_channel
from app.evaluations.models import ENDED, Evaluation, Run
from app.workspaces import audit


def add_run(session: Session, evaluation: Evaluation, run_id: str) -> Run:
    """Make a run of the workspace part of one more evaluation, whose evaluators then judge its outputs, too. Where it is
    part of it already, nothing changes.

    Raises:
        NotFound: the workspace has no such run.
        OverBudget: evaluators ask models, and the budget of this month is spent.
        Invalid: a limit in dollars could not hold, because a model has no price.
    """
    run = repository.find_run_of(session, evaluation.workspace_id, run_id)
    if run is None:
        raise NotFound(f"There is no run with the id {run_id}.")
    judges = repository.list_judges(session, [evaluation.id])

    def add() -> bool:
        with waiting.patient_with_locks(session):
            run_service.lock(session, run)
        if judges and run.items_count:
            run_service.refuse_to_judge(session, evaluation, [run], judges)
        if not sharing_repository.share(session, evaluation.id, run.id):
            return False
        stopping_rules.share_level(session, evaluation)
        # One that goes on looks for them at its end.
        if run.status in ENDED and not late_judging.judge_more(session, run, judges):
            finishing.score_again(session, run.id)
        return True

    # Who judges more holds the run, and may then wait for a row of one that was ended by hand, which a worker is writing.
    if again_on_deadlock(session, add):
        events.emit(session, evaluation_channel(evaluation.id), run=run.id)
    return run


def remove_run(session: Session, principal: Principal, evaluation: Evaluation, run: Run) -> None:
    """Take a run out of an evaluation. One that is part of no other is deleted; its logs stay, with their judgments.

    Raises:
        Forbidden: a member takes out what somebody else began, from an evaluation that somebody else made.
    """
    if run.created_by != principal.user_id:
        principal.refuse_others_work(evaluation.created_by)

    def remove() -> bool:
        # Workers write items before the run: in their order, they wait for us, and we for them, one after the other.
        repository.lock_items(session, [run.id])
        repository.lock_run(session, run.id)
        return sharing_repository.leave(session, evaluation.id, run.id) or not repository.delete_run(
            session, run.id
        )

    if again_on_deadlock(session, remove):
        session.refresh(run)
        if run.status not in ENDED:  # it may have waited for this evaluation's evaluators only
            run_service.end_if_done(session, run)
    else:
        audit.record(session, principal, "run.deleted", "run", run.id, name=evaluation.name)
        session.expunge(run)
    events.emit(session, evaluation_channel(evaluation.id), run=run.id)
