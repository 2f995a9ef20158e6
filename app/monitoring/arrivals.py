"""Noticing the logs of monitored files, in the transaction that writes them."""

from collections.abc import Sequence

import structlog
from sqlalchemy.orm import Session

from app.core import jobs
from app.evaluations.verdicts.judging import JUDGE
from app.logs.arrivals import Arrival
from app.monitoring import repository

JOB = "monitoring.judge_logs"
OUR_OWN = frozenset({"evaluation", "editor", "evaluator_test", "row_generation", JUDGE})
"""Sources of logs that are made here while people work: their own evaluators judge them, or none."""
log = structlog.get_logger()


def notice(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Queue the complete logs of monitored files, new or changed. Those of runs are their evaluation's."""
    if concerned(session, arrivals):
        session.flush()
        if repository.queue(session, [one.id for one in _wanted(arrivals)]):
            jobs.enqueue(session, JOB)


def concerned(session: Session, arrivals: Sequence[Arrival]) -> bool:
    """Whether one of the logs may have to be judged."""
    files = {one.file_id for one in _wanted(arrivals)}
    return bool(files) and repository.are_monitored(session, files)


def _wanted(arrivals: Sequence[Arrival]) -> list[Arrival]:
    return [
        one
        for one in arrivals
        if one.status == "complete" and one.run_id is None and one.source not in OUR_OWN
    ]
