"""Tasks of evaluations: work on a shard, work out the scores of a finished run."""

import asyncio
import contextvars
from functools import lru_cache

from app.core.beside import work_beside
from app.core.database import unit_of_work
from app.evaluations.engine.execution import Slot
from app.evaluations.figures import scoring
from app.generations import row_execution
from app.monitoring import execution as monitoring
from app.providers import sdk  # noqa: F401 - loaded before the pool is forked, not with each process's first call
from worker.celery_app import app, is_stopping


@lru_cache
def _loop() -> tuple[asyncio.Runner, Slot]:
    """The event loop and connections of this process, kept from task to task."""
    runner = asyncio.Runner()
    return runner, runner.run(_new_slot())


async def _new_slot() -> Slot:
    return Slot(is_stopping, beside=_beside)


async def _beside(ended: asyncio.Event) -> None:
    """What else waits for a slot, which runs may keep for hours."""
    await asyncio.gather(
        work_beside(monitoring.work, "logs not judged", ended, is_stopping),
        work_beside(row_execution.work, "rows not written", ended, is_stopping),
    )


@app.task(name="evaluations.run_shard")  # type: ignore[untyped-decorator]
def run_shard(shard_id: str) -> None:  # noqa: ARG001 - the message says that there is work; which, the database
    """Work on whatever shards wait."""
    runner, slot = _loop()
    # Without it, the loop would go on in the context of its first task, and log that one's ids.
    runner.run(slot.work(), context=contextvars.copy_context())


@app.task(name="evaluations.score_run")  # type: ignore[untyped-decorator]
def score_run(run_id: str) -> None:
    """Work out the scores of a finished run."""
    with unit_of_work() as session:
        scoring.score_run(session, run_id)
