"""The way to Valkey: short waits, and one discovery for all that it is away.

Valkey is transport: whatever it is asked can be done without. So nobody waits for it for long, and once it has not
answered, nobody of this process asks it again for a few seconds.
"""

import time
from functools import lru_cache

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from app.core.settings import get_settings

AWAY = (RedisError, OSError)
"""What a broker that cannot be used raises."""
AWAY_ASYNC = (*AWAY, RuntimeError)
"""The same of an asynchronous client: uvloop has no OSError for a connection that is closed while it is written to."""
CONNECT_S, ANSWER_S = 2.0, 2.0
_PAUSE_S = 5.0
_RETRIED = (NoConnection,)
"""A connection that was closed while it lay idle is made again, once; silence is waited for once only."""


def connect(longest_s: float | None = None) -> Redis:
    """A new synchronous client, which waits no longer than `longest_s` where that is given."""
    return Redis.from_url(
        get_settings().redis_url,
        socket_connect_timeout=longest_s or CONNECT_S,
        socket_timeout=longest_s or ANSWER_S,
        retry=Retry(NoBackoff(), 1, _RETRIED),
    )


def connect_async() -> AsyncRedis:
    """A new client for one event loop."""
    return AsyncRedis.from_url(
        get_settings().redis_url,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=ANSWER_S,
        retry=AsyncRetry(NoBackoff(), 1, _RETRIED),
    )


class Outage:
    """What one of a process found out about a server, for all of it."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the server did not answer lately, so that it need not be asked."""
        return time.monotonic() < self._until

    def noticed(self, error: Exception) -> None:
        """It raised `error`. A refusal in words is an answer: the server is there."""
        if not isinstance(error, ResponseError):
            self._until = time.monotonic() + _PAUSE_S


@lru_cache
def outage() -> Outage:
    """Of the broker, as this process knows it."""
    return Outage()
