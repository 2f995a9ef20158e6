"""What the reaper does for monitoring: workers are told again where logs wait."""

import time

from app.core import jobs
from app.core.database import unit_of_work
from app.monitoring import repository
from app.monitoring.arrivals import JOB

AGAIN_S = 10.0


class Reminder:
    """Tells workers of logs that wait, because a message or a worker was lost; every ten seconds at most, since they may
    only be busy."""

    def __init__(self) -> None:
        self._told = -AGAIN_S

    def look(self) -> bool:
        """Look once; whether somebody was told."""
        if time.monotonic() - self._told < AGAIN_S:
            return False
        with unit_of_work() as session:
            if not repository.waits(session):
                return False
            jobs.enqueue(session, JOB)
        self._told = time.monotonic()
        return True
