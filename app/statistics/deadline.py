"""An end to work that somebody waits for: loops over resamples ask here whether there is still time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("until", default=None)


class TookTooLong(Exception):
    """The time was up before the work was done."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let what runs inside, in this thread, take so many seconds; without it there is no end."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def check() -> None:
    """Raise TookTooLong when the time is up; called once for each chunk of a long loop."""
    until = _until.get()
    if until is not None and time.monotonic() > until:
        raise TookTooLong
