"""Working with the database from an event loop: in a thread, for as long as somebody can wait."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from app.core import waiting
from app.core.database import each_statement_commits, unit_of_work

Result = TypeVar("Result")


async def in_transaction(work: Callable[..., Result]) -> Result:
    """Run `work(session)` in a thread, in a transaction of its own, and commit."""

    def call() -> Result:
        with waiting.at_most(waiting.WORK_S), unit_of_work() as session:
            return work(session)

    return await asyncio.to_thread(call)


async def at_once(work: Callable[..., Result], within_s: float) -> Result:
    """Run `work(session)` in a thread, each statement a transaction of its own, and give up soon.

    For heartbeats: where the database is two seconds away, beginning and committing would make them come too late.
    """

    def call() -> Result:
        with waiting.at_most(within_s), each_statement_commits() as session:
            return work(session)

    return await asyncio.to_thread(call)
