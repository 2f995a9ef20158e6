"""Doing what else waits while a worker is busy with something long."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

EVERY_S = 2.0
log = structlog.get_logger()
Work = Callable[[Callable[[], bool]], Awaitable[object]]
"""Works on what waits until nothing does, or until it is told to stop."""


async def work_beside(
    work: Work, trouble: str, ended: asyncio.Event, is_stopping: Callable[[], bool] = lambda: False
) -> None:
    """Work on what waits, every two seconds until `ended`: in workers that are busy with a run for hours. What fails is logged
    as `trouble`; the run goes on, and what waits is tried again.
    """
    while not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), EVERY_S)
        try:
            await work(lambda: ended.is_set() or is_stopping())
        except Exception:
            log.exception(trouble)
