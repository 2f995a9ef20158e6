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
    wanted = [
        one
        for one in arrivals
        if one.status == "complete" and one.run_id is None and one.source not in OUR_OWN
    ]
    if wanted and repository.are_monitored(session, {one.file_id for one in wanted}):
        session.flush()
        if repository.queue(session, [one.id for one in wanted]):
            jobs.enqueue(session, JOB)
