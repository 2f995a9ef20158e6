"""Following an evaluation while it runs: server-sent events, for the report page and for the API."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session

from app.core import waiting
from app.core.database import unit_of_work
from app.core.event_stream import as_event, closing
from app.core.events import subscribe
from app.evaluations import repository
from app.evaluations.channels import evaluation_channel
from app.evaluations.figures.report import progress_of

LONGEST_S = 600
"""A stream ends after this long; browsers connect again by themselves."""
_PAUSE_S = 0.5
_SILENCE_S = 4
"""Without news the state is read again after this long: being stuck is no event."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a follower is told now; `live` is whether there will be more."""

    events: Sequence[tuple[str, str]]
    live: bool


async def follow(
    evaluation_id: str, read: Callable[[Session], Snapshot], *, with_items: bool = False
) -> AsyncIterator[str]:
    """A stream of what `read` says: at once, after every change (twice a second at most), and last at the end.

    With `with_items`, an `item` event goes before it for each row that came to its end since the last time.
    The subscription stands before the first reading, so nothing is missed between the two. No connection to the
    database is held while waiting.
    """

    def snapshot() -> Snapshot:
        with waiting.at_most(waiting.REQUEST_S), unit_of_work() as session:
            return read(session)

    ends, last, changed = time.monotonic() + LONGEST_S, 0.0, True
    sent: Sequence[tuple[str, str]] = ()
    ended: list[tuple[str, str]] = []
    async with aclosing(subscribe(evaluation_channel(evaluation_id), heartbeat_s=_PAUSE_S)) as news:
        async for message in news:
            now = time.monotonic()
            changed = changed or message is not None
            if message and with_items:
                ended += _items(evaluation_id, message)
            if now >= ends or closing.is_set():
                return
            if now - last < (_PAUSE_S if changed else _SILENCE_S):
                continue
            try:
                found = await asyncio.to_thread(snapshot)
            except (
                DBAPIError,
                PoolExhausted,
            ) as error:  # the stream goes on, silent, as it does while the broker is away
                log.warning("state not read", evaluation=evaluation_id, error=str(error))
                last = now
                continue
            last, changed = time.monotonic(), False
            rows = ended if found.events else []  # who may not read any more hears of no row either
            for event in (*rows, *(event for event in found.events if event not in sent)):
                yield as_event(*event)
            sent = found.events
            ended.clear()
            if not found.live:
                yield as_event("done", orjson.dumps({"evaluation_id": evaluation_id}).decode())
                return


def _items(evaluation_id: str, message: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows that a message says have come to their end."""
    run_id = message.get("run")
    return [
        (
            "item",
            orjson.dumps(
                {
                    "evaluation_id": evaluation_id,
                    "run_id": run_id,
                    "datapoint_id": datapoint_id,
                    "repeat": repeat,
                    "log_id": log_id,
                }
            ).decode(),
        )
        for datapoint_id, repeat, log_id in message.get("items", ())
    ]


def read_progress(session: Session, evaluation_id: str) -> Snapshot:
    """How far every run is, as the API tells it: one event a run."""
    runs = repository.list_runs(session, [evaluation_id])
    busy = repository.workers_are_busy(session)
    events = [
        (
            "progress",
            orjson.dumps(
                {
                    "evaluation_id": evaluation_id,
                    "run_id": run.id,
                    "status": run.status,
                    "progress": progress_of(run, busy=busy),
                    "items_count": run.items_count,
                    "done_count": run.done_count,
                    "failed_count": run.failed_count,
                }
            ).decode(),
        )
        for run in runs
    ]
    return Snapshot(events, any(run.status in ("pending", "running") for run in runs))
