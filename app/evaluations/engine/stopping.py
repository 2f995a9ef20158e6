"""Ending the runs of an evaluation as soon as its primary score tells each candidate from the baseline.

What is looked at are the rows that come first in a random order (`shard_repository.create_items`), up to the first that one
of the two runs has not done: rows whose calls are slow are waited for, or quick ones would decide.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from sqlalchemy.orm import Session

from app.core import jobs
from app.evaluations import late_judging, repository, shard_repository, stopping_repository
from app.evaluations.channels import announce
from app.evaluations.figures import judges_repository
from app.evaluations.figures.numbers import at_every_look
from app.evaluations.figures.report import compared_of
from app.evaluations.figures.scores import Pairs, load_scores
from app.evaluations.models import Evaluation, Run
from app.evaluators.binding import is_judged_here
from app.evaluators.describing import describe

_QUIET = timedelta(seconds=5)
"""A worker looks when it has written: later than this, it is one that was lost in between."""


def look(session: Session, evaluation_id: str) -> bool:
    """Have the runs of an evaluation end if it is clear; whether it is. What is in flight is awaited, and kept.

    Each candidate that goes on has to be told from the baseline; where only the baseline goes on, each that has ended.
    """
    evaluation = repository.find_evaluation_to_work_on(session, evaluation_id)
    if evaluation is None or not evaluation.stops_when_clear:
        return False
    runs, baseline = compared_of(session, evaluation)
    going = [run for run in runs if _goes_on(run, evaluation)]
    candidates = [run for run in runs if run is not baseline]
    candidates = [run for run in candidates if run in going] or candidates
    if baseline is None or not going or not candidates:
        return False
    rows = 0
    for candidate in candidates:
        clear_after = _clear_after(session, evaluation, baseline, candidate)
        if clear_after is None:
            return False
        rows = max(rows, clear_after)
    for run_id in stopping_repository.mark_clear(session, [run.id for run in going], rows):
        repository.cancel_shards(session, run_id)
        end(session, run_id)
    return True


def _goes_on(run: Run, evaluation: Evaluation) -> bool:
    """Whether the evaluation may end it: one that it only shows is another's to end, whose rows come in another order."""
    if run.evaluation_id != evaluation.id:
        return False
    return run.status in ("pending", "running") and run.stops_by is not None and run.clear_after is None


def _clear_after(session: Session, evaluation: Evaluation, baseline: Run, candidate: Run) -> int | None:
    """How many rows tell the candidate from the baseline; None where they do not, or are not the same rows."""
    evaluator_id = evaluation.primary_evaluator_id
    evaluator = next(
        (one for one in repository.list_evaluators(session, evaluation.id) if one.id == evaluator_id), None
    )
    same = (baseline.dataset_version_id, baseline.split) == (candidate.dataset_version_id, candidate.split)
    if evaluator is None or not same:
        return None
    pairs = _first_pairs(session, evaluation, [baseline, candidate], evaluator.id)
    found = at_every_look(pairs, baseline, candidate, describe(evaluator.spec))
    return len(pairs.rows) if found.clear else None


def _first_pairs(session: Session, evaluation: Evaluation, runs: Sequence[Run], evaluator_id: str) -> Pairs:
    """The scores of both runs on the first rows of the random order that both have done."""
    until = stopping_repository.done_before(session, [run.id for run in runs], evaluation.id)
    table = load_scores(session, runs, [evaluator_id])
    before, after = runs
    shared = table.pairs(before.id, after.id, evaluator_id).rows
    first = [row for row in shared if until is None or _place(evaluation.id, row) < until]
    return table.pairs(before.id, after.id, evaluator_id, among=first)


def _place(seed: str, datapoint_id: str) -> bytes:
    """Where a row stands in the random order, as `create_items` has it."""
    return sha256(f"{seed}{datapoint_id}".encode()).digest()


def leave(session: Session, owner: str, run_id: str) -> None:
    """Let go of what `owner` still holds of a run, and end it if it is clear and nobody else works on it."""
    shard_repository.give_back(session, owner, run_id)
    end(session, run_id)


def end(session: Session, run_id: str) -> bool:
    """End a run that is clear and that nobody works on; whether this call did. It goes on for evaluators that were added
    meanwhile, with the rows that have an output."""
    if not stopping_repository.end_clear(session, run_id):
        return False
    shard_repository.count_logs(session, run_id)
    run = repository.find_run_to_work_on(session, run_id)
    late = [
        version
        for version in judges_repository.late_evaluators(session, run_id)
        if is_judged_here(version.spec)
    ]
    if run and late_judging.judge_more(session, run, late):
        return True
    jobs.enqueue(session, "evaluations.score_run", run_id=run_id)
    announce(session, run_id)
    return True


class Watch:
    """What the reaper does for workers that were lost between writing a row and looking at it, or before they let go."""

    def __init__(self) -> None:
        self._looked_at: dict[str, str] = {}
        """What was last seen of each evaluation: the same is not looked at again."""

    def look(self, session: Session) -> int:
        """Look at every evaluation that is quiet, and end what only has to be ended; how many runs ended."""
        quiet = dict(stopping_repository.quiet_evaluations(session, _QUIET))
        for evaluation_id, state in quiet.items():
            if self._looked_at.get(evaluation_id) != state:
                look(session, evaluation_id)
        self._looked_at = quiet
        return sum(end(session, run_id) for run_id in stopping_repository.clear_runs(session))
