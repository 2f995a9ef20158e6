"""What the reaper does for work that waits in a table of its own: workers are told again."""

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from app.core import jobs
from app.core.database import unit_of_work

AGAIN_S = 10.0


class Reminder:
    """Tells workers of what waits, because a message or a worker was lost; every ten seconds at most, since they may only be
    busy. `waits` says whether anything does, and `job` takes it up."""

    def __init__(self, waits: Callable[[Session], bool], job: str) -> None:
        self._waits, self._job = waits, job
        self._told = -AGAIN_S

    def look(self) -> bool:
        """Look once; whether somebody was told."""
        if time.monotonic() - self._told < AGAIN_S:
            return False
        with unit_of_work() as session:
            if not self._waits(session):
                return False
            jobs.enqueue(session, self._job)
        self._told = time.monotonic()
        return True
