"""Live events: ids published after the commit, and subscriptions for pages that follow them.

An event says that something changed, never what it is now: who hears it reads the database again.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any

import orjson
import structlog
from redis import Redis
from sqlalchemy.orm import Session

from app.core.broker import AWAY, AWAY_ASYNC, connect, connect_async, outage

_KEY = "events"
log = structlog.get_logger()


@lru_cache
def broker() -> Redis:
    """The synchronous Redis client of this process."""
    return connect()


def emit(session: Session, channel: str, **ids: Any) -> None:
    """Publish `ids` on `channel` once `session` has committed; a rollback forgets it."""
    session.info.setdefault(_KEY, []).append((channel, ids))


def dispatch(session: Session) -> None:
    """Publish what `session` emitted. Called once, after the commit."""
    for channel, ids in session.info.pop(_KEY, []):
        publish(channel, **ids)


def publish(channel: str, **ids: Any) -> None:
    """Publish now. A broker that is away costs liveliness only: pages poll as well."""
    if outage().lasts:
        return
    try:
        broker().publish(channel, orjson.dumps(ids))
    except AWAY as error:
        outage().noticed(error)
        log.warning("event not published", channel=channel, error=str(error))


async def subscribe(channel: str, *, heartbeat_s: float = 1.0) -> AsyncGenerator[dict[str, Any] | None, None]:
    """What is published on `channel` from now on; None after each `heartbeat_s` of silence.

    The None lets the caller look whether its client is still there. While the broker is away, the stream stays
    silent and heartbeats go on.
    """
    client = connect_async()
    try:
        while True:
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(channel)
                    while True:
                        message = await subscription.get_message(timeout=heartbeat_s)
                        yield orjson.loads(message["data"]) if message else None
            except AWAY_ASYNC as error:
                log.warning("not listening", channel=channel, error=str(error))
                yield None
                await asyncio.sleep(heartbeat_s)
    finally:
        await client.aclose()
