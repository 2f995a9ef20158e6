"""Ending a run: its state, its counters, and the job that works out its scores."""

from sqlalchemy.orm import Session

from app.core import jobs
from app.evaluations import repository, shard_repository
from app.evaluations.figures import judges_repository
from app.evaluators.binding import is_judged_here

_JUDGING_SHARD = 50


def finish_if_done(session: Session, run_id: str, *, waits: bool = True, for_silent: bool = True) -> bool:
    """End the run if nothing is left to do; True for the one caller that ended it.

    A run whose outputs come from elsewhere waits for judgments from there, too, unless not to; not `for_silent`: only for those of
    programs that have judged any of its outputs.
    Scores are worked out by a job of their own: the run is complete, and readable, without them.
    """
    if _late_evaluators_have_work(session, run_id) or not shard_repository.complete_run(
        session, run_id, waits=waits, for_silent=for_silent
    ):
        return False
    shard_repository.count_logs(session, run_id)
    jobs.enqueue(session, "evaluations.score_run", run_id=run_id)
    return True


def _late_evaluators_have_work(session: Session, run_id: str) -> bool:
    """Send the outputs back that an evaluator has not judged because it was added after the run had begun. Not while rows are
    on their way: shards cut over theirs would have them asked twice, and the last of them comes by here again."""
    if shard_repository.has_pending_items(session, run_id):
        return False
    late = judges_repository.late_evaluators(session, run_id)
    reopened = sum(
        [
            repository.reopen_unjudged(session, run_id, version.id)
            for version in late
            if is_judged_here(version.spec)
        ]
    )
    if reopened:
        for shard_id in shard_repository.create_shards(session, run_id, _JUDGING_SHARD):
            jobs.enqueue(session, "evaluations.run_shard", shard_id=shard_id)
    return reopened > 0


def score_again(session: Session, run_id: str) -> None:
    """Work out the scores of an ended run anew, because something about its outputs came after its end."""
    # Under the lock no run ends beside us without seeing it. Where somebody is at scoring it now, and may have
    # read too early, the mark makes them do it again.
    if repository.lock_run(session, run_id) and repository.forget_scores(session, run_id):
        jobs.enqueue(session, "evaluations.score_run", run_id=run_id)
