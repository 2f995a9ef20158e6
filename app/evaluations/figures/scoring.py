"""Working out what a finished run came to: its scores with their intervals, kept for lists and reports."""

from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.core import jobs, waiting
from app.evaluations import repository, sharing_repository
from app.evaluations.channels import announce
from app.evaluations.figures import findings, score_repository, suspect_repository
from app.evaluations.figures.scores import ScoreTable, load_scores, run_interval
from app.evaluations.models import ENDED, Run
from app.evaluators.describing import summarise
from app.files.models import Version
from app.statistics.intervals import Interval

log = structlog.get_logger()


_CLAIMED_S = 60
"""A claim is renewed before each evaluator: a scorer that died is succeeded after this time, by the reaper."""


def score_run(session: Session, run_id: str) -> None:
    """Work out and keep the scores of an ended run. Doing it again gives the same; nothing is done while another does it.

    Nothing is locked meanwhile, for it may take seconds. Where judgments came while it worked, it is asked for again.
    """
    if not score_repository.claim(session, run_id, _CLAIMED_S):
        return
    session.commit()
    try:
        _score(session, run_id)
        session.commit()  # what follows may take seconds, too, and holds up nobody who waits for the scores
        suspect_repository.renew(session, run_id)
    except BaseException:
        session.rollback()
        with waiting.at_most(3 * waiting.LEAST_S):  # also where the wait for the database was what failed
            score_repository.release(session, run_id)
            session.commit()
        raise


def _score(session: Session, run_id: str) -> None:
    run = repository.find_run_to_work_on(session, run_id)
    if run is None:
        return
    seen = run.progressed_at
    evaluators = repository.list_run_evaluators(session, run.id)
    table = load_scores(session, [run], [version.id for version in evaluators], keep=False)
    session.commit()
    scores = [score for version in evaluators for score in _scores(session, run, version, table)]
    if not repository.lock_run(session, run.id):
        return
    score_repository.release(session, run.id)
    session.refresh(run, ["status", "progressed_at"])
    if run.status not in ENDED:  # it goes on, and is scored when it ends
        return
    score_repository.save_scores(session, run.id, scores)
    score_repository.keep_version_scores(session, run.id)
    if run.progressed_at != seen:
        repository.forget_scores(session, run.id)
        jobs.enqueue(session, "evaluations.score_run", run_id=run.id)
    session.refresh(run, ["scored_at"])  # the sentence is kept for runs as they were scored now
    for evaluation_id in sharing_repository.evaluations_of(session, run.id):
        findings.keep_finding(session, evaluation_id)
    announce(session, run.id)
    log.info("run scored", run=run.id, request_id=run.request_id)


def _scores(session: Session, run: Run, version: Version, table: ScoreTable) -> list[dict[str, Any]]:
    interval = run_interval(table, run.id, version)
    scores = [_row(run, version, "", interval)] if interval else []
    score_repository.keep_claim(session, run.id, _CLAIMED_S)
    session.commit()  # or judgments would wait for the next statement
    details = score_repository.load_details(session, run.id, version.id)
    session.commit()  # or the connection would be idle in a transaction for as long as this takes, and be ended
    noted = [detail.noted for detail in details]
    rows, clusters = [d.datapoint_id for d in details], [d.cluster for d in details]
    for name, metric in summarise(version.spec, noted, rows, clusters).items():
        # Kept with the score, for a report stays readable when the kind has changed.
        read = {"title": metric.title, "unit": metric.unit, "wanted": metric.wanted}
        scores.append(_row(run, version, name, metric.interval, read | (metric.detail or {})))
    return scores


def _row(
    run: Run, version: Version, name: str, interval: Interval, detail: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "evaluator_version_id": version.id,
        "slice": name,
        "value": interval.estimate,
        "lo": interval.lo,
        "hi": interval.hi,
        "n": interval.n,
        "clusters": interval.clusters,
        "method": interval.method,
        "detail": detail,
    }
