"""Tasks of monitoring: judge the logs that wait."""

import asyncio

from app.monitoring import execution
from worker.celery_app import app, is_stopping


@app.task(name="monitoring.judge_logs")  # type: ignore[untyped-decorator]
def judge_logs() -> None:
    """Judge whatever waits, for a while: runs wait for a slot, too. More messages, or the reaper's, go on."""
    asyncio.run(execution.work(is_stopping, most_s=10))
