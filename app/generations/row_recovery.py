"""What the reaper does for rows that prompts write: workers are told again where calls wait."""

import time

from app.core import jobs
from app.core.database import unit_of_work
from app.generations import row_repository
from app.generations.row_generations import JOB

AGAIN_S = 10.0


class Reminder:
    """Tells workers of calls that wait, because a message or a worker was lost; every ten seconds at most, since they may
    only be busy."""

    def __init__(self) -> None:
        self._told = -AGAIN_S

    def look(self) -> bool:
        """Look once; whether somebody was told."""
        if time.monotonic() - self._told < AGAIN_S:
            return False
        with unit_of_work() as session:
            if not row_repository.waits(session):
                return False
            jobs.enqueue(session, JOB)
        self._told = time.monotonic()
        return True
