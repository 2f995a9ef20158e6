"""The one place that asks for the time: the database's, so that all processes agree with it and with each other.

It is read whenever a connection is made, and carried on by a clock that nobody can set. So neither a machine whose
clock is wrong nor one whose clock jumps makes a lease end early, a duration negative or a run look stuck.
"""

import time
from datetime import UTC, datetime

LAST_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)
"""Moments that people give lie before it: near the end of Python's calendar, other zones lie beyond it."""
_TRIP_S = 5.0


def _elapsed() -> float:
    """Seconds since some moment, also those in which the machine slept, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


_ahead = time.time() - _elapsed()
"""Until the database has told its time, this machine's."""


def learn(database_s: float) -> None:
    """The database says that it is `database_s` seconds after 1970. What its answer may have taken is no difference."""
    global _ahead  # noqa: PLW0603 - one time for the process
    if abs(database_s - seconds()) > _TRIP_S:
        _ahead = database_s - _elapsed()


def seconds() -> float:
    """The current moment in seconds since 1970."""
    return _ahead + _elapsed()


def now() -> datetime:
    """The current moment, always with the UTC zone."""
    return datetime.fromtimestamp(seconds(), UTC)
