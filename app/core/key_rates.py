"""How often one API key may ask: a bucket for each in Valkey, which fills by so many requests a minute.

A process takes permits for several requests at once, so that most of them ask nobody. It looks before anything else is
done for a request, and by the key as it was sent: whoever asks too often costs no statement in the database. While
Valkey is away there is no limit: a key that asks too often is better than one that cannot ask.
"""

import asyncio
import math
import time
from functools import lru_cache
from threading import Lock

import structlog
from redis import Redis
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Scope

from app.core import metrics
from app.core.broker import AWAY, Outage, connect
from app.core.errors import TooMany
from app.core.request_bodies import SPANS
from app.core.security import token_hash
from app.core.settings import get_settings

log = structlog.get_logger()

_LONGEST_S = 0.25
"""Valkey is waited for no longer: it is asked on the way of every request."""
_MOST_PERMITS = 500
_MOST_KEYS = 10_000
"""Keys that a process has permits of; then it forgets them all, which costs each a question."""
PATIENCE_S = 20.0
"""Who sends spans gives up for good when they are refused, so they wait for so long, for all together."""
UNTIL = "whetstone.until"
"""In the scope of a request with spans: until when it waits, on the monotonic clock."""
_TAKE = """
local t = redis.call('TIME'); local now = t[1] + t[2] / 1e6
local most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
local per_s, left = most / 60, most
local h = redis.call('HMGET', KEYS[1], 'left', 'at')
if h[1] then left = math.min(most, tonumber(h[1]) + math.max(0, now - tonumber(h[2])) * per_s) end
local taken = math.min(wanted, math.floor(left))
if taken < 1 then return {0, math.ceil((1 - left) / per_s * 1000)} end
left = left - taken
redis.call('HSET', KEYS[1], 'left', tostring(left), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], 1000 + math.ceil((most - left) / per_s * 1000))
return {taken, 0}
"""
"""Take up to `ARGV[2]` permits of a bucket of `ARGV[1]`. Answers how many, and after how many ms there is one if none.
A bucket that has filled up again is forgotten."""


class _Permits:
    """What a process may still let through for one key."""

    __slots__ = ("left", "turn")

    def __init__(self) -> None:
        self.left = 0
        self.turn = Lock()


class KeyRates:
    """The rates of all keys, as one process knows them. Safe to use from many threads."""

    def __init__(self, redis: Redis, per_minute: int) -> None:
        """`per_minute` requests of one key; 0 for any number."""
        self.per_minute = per_minute
        self._wanted = max(1, min(_MOST_PERMITS, per_minute // 600))  # of a tenth of a second
        self._take = redis.register_script(_TAKE)
        self._permits: dict[str, _Permits] = {}
        self._outage = Outage()

    def at_hand(self, name: str) -> bool:
        """Use up a permit that is there already, if there is one. Never waits."""
        permits = self._permits.get(name)
        if not self.per_minute or self._outage.lasts:
            return True
        if permits is None or permits.left < 1 or not permits.turn.acquire(blocking=False):
            return False
        try:
            had = permits.left > 0
            permits.left -= had
            return had
        finally:
            permits.turn.release()

    def take(self, name: str) -> float:
        """Use up a permit, of new ones if need be: 0, or the seconds after which to ask again."""
        if len(self._permits) > _MOST_KEYS:
            self._permits.clear()
        permits = self._permits.setdefault(name, _Permits())
        with permits.turn:
            if permits.left < 1 and self.per_minute and not self._outage.lasts:
                try:
                    taken, wait_ms = self._take(
                        keys=[f"whetstone:key:{name}"], args=[self.per_minute, self._wanted]
                    )
                except AWAY as error:
                    self._outage.noticed(error)
                    log.warning("no limit of requests a key", reason=str(error))
                    return 0.0
                if wait_ms:
                    return float(wait_ms) / 1000
                permits.left = int(taken)
            permits.left = max(0, permits.left - 1)
            return 0.0


@lru_cache
def rates() -> KeyRates:
    """Those of this process."""
    return KeyRates(connect(_LONGEST_S), get_settings().key_requests_per_minute)


async def admit(scope: Scope) -> None:
    """Count a request against the key that it came with, if it came with one.

    Raises:
        TooMany: the key asked too often; says when to come back.
    """
    secret = Headers(scope=scope).get("x-api-key")
    if not secret or not scope["path"].startswith("/v5/"):
        return
    known, name = rates(), token_hash(secret)
    until = time.monotonic()
    if scope["path"].rstrip("/") == SPANS:
        until = scope[UNTIL] = until + PATIENCE_S
    while not known.at_hand(name):
        wait_s = await run_in_threadpool(known.take, name)
        if not wait_s:
            return
        if time.monotonic() + wait_s > until:
            metrics.count("whetstone_requests_refused_total", reason="key_rate")
            text = f"This key asked more than {known.per_minute:,} times a minute. Come back in {math.ceil(wait_s)} s."
            raise TooMany(text, retry_after_s=math.ceil(wait_s))
        await asyncio.sleep(wait_s)
