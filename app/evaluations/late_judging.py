"""Evaluators that come after a run has ended: its outputs are judged by them, and none is made."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.evaluations import recovery_repository, repository, run_service, stopping_repository
from app.evaluations.models import Run
from app.files.models import Version

_ENDED_BEFORE = "The run was ended before this row."


def judge_more(session: Session, run: Run, judges: Sequence[Version]) -> bool:
    """Have the outputs of a locked run that has ended judged by more evaluators; whether any was not yet.

    Rows that somebody ended the run before are not run for it: each gets an error that says so, and can be retried. Those that
    were left because it was clear stay left. A cancelled run goes on.
    """
    if judges and run.ended_when_clear:
        stopping_repository.keep_left(session, run.id)
    if not sum([repository.reopen_unjudged(session, run.id, judge.id) for judge in judges]):
        return False
    if run.status == "completed" and not run.ended_when_clear:
        recovery_repository.end_missing(session, run.id, none=_ENDED_BEFORE)
    session.refresh(run)
    run_service.restart(session, run)
    return True
