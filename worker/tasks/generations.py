"""Tasks of generations: write the rows that wait."""

import asyncio

from app.generations import row_execution
from worker.celery_app import app, is_stopping


@app.task(name="generations.write_rows")  # type: ignore[untyped-decorator]
def write_rows() -> None:
    """Make the calls that wait, for a while: runs wait for a slot, too. More messages, or the reaper's, go on."""
    asyncio.run(row_execution.work(is_stopping, most_s=20))
