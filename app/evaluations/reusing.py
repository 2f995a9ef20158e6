"""Outputs that are there already: what a new run takes over of earlier ones."""

from sqlalchemy.orm import Session

from app.core.errors import DomainError
from app.evaluations import arrival_repository, repository, reuse_repository
from app.evaluations.models import Run
from app.files.models import Version
from app.generations.service import prepare


def reuse(session: Session, run: Run, *, sent: bool) -> None:
    """Give items the outputs that are there already, and settle those that need no judging either."""
    if run.orchestrated and run.version:
        run.reused_count = _reuse_equal(session, run, run.version)
    if sent or not run.orchestrated:
        run.reused_count += arrival_repository.give_known_outputs(session, run.id)
    if run.orchestrated and run.reused_count:
        run.done_count = reuse_repository.settle_judged(session, run.id, judging_here(session, run))


def _reuse_equal(session: Session, run: Run, version: Version) -> int:
    """Give items the outputs of equal calls, as far as there are any; how many there were."""
    try:
        prompt = prepare(session, version)
    except DomainError:
        return 0  # nothing can be called: each item will say why
    items = reuse_repository.item_keys(session, run.id)
    keys = [
        (position, key)
        for position, datapoint_id, repeat in items
        if (key := prompt.reuse_key(version.id, datapoint_id, repeat))
    ]
    return reuse_repository.reuse_outputs(session, run.id, keys)


def judging_here(session: Session, run: Run) -> list[str]:
    """The evaluator versions whose verdicts our workers give."""
    return [version.id for version in repository.list_run_judges(session, run.id)]
