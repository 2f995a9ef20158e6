"""How fast a provider may be called: one rate for all processes, kept in Valkey, cut when it says 429.

The limiter is GCRA (the virtual-scheduling form of the leaky bucket, ITU-T I.371) with reservation: a process
takes permits for about 50 ms at once and is told how long to wait for them, so nobody polls. A 429 cuts the rate
to four fifths of what was really called, at most once a second (multiplicative decrease); the cut grows back by 5 %
a second. It is kept in requests a second, so that a limit which is set meanwhile is neither scaled by it nor hidden.
How it stands, and taking a cut back, is in `standing`.
"""

import asyncio
import math
import time
from collections.abc import Awaitable
from typing import Any, cast

import structlog
from redis.asyncio import Redis

from app.core.broker import AWAY_ASYNC, Outage

log = structlog.get_logger()

GROWTH = 1.05
"""How much of a cut is back after a second."""
_CEILING_PER_S = 5_000.0
"""The rate where no limit is set: more than one machine can do, so that only a 429 slows it down."""
_LEAST_PER_S = 0.2
"""However often it says 429, one request in five seconds finds out whether it still does."""
_RESERVE_S = 0.05
_MOST_PERMITS = 50

RATE = f"""
local t = redis.call('TIME'); local now = t[1] + t[2] / 1e6
local h = redis.call('HMGET', KEYS[1], 'at', 'cut', 'cut_at', 'second', 'count', 'before', 'tokens_at', 'since')
local rate = tonumber(ARGV[1])
if h[2] then rate = math.min(rate, tonumber(h[2]) * {GROWTH} ^ math.max(0, now - tonumber(h[3]))) end
"""
"""The beginning of every script: `rate` is what is allowed a second, of the `ARGV[1]` that the provider may be asked."""
_RESERVE = (
    RATE
    + """
local permits = math.max(1, math.min(tonumber(ARGV[2]), math.floor(rate * tonumber(ARGV[3]))))
local token_rate, tokens = tonumber(ARGV[4]), tonumber(ARGV[5])
local at = math.max(now, tonumber(h[1]) or 0) + permits / rate
local wait = at - math.max(1, rate * tonumber(ARGV[3])) / rate - now
redis.call('HSET', KEYS[1], 'at', tostring(at))
if token_rate > 0 then
  local tokens_at = math.max(now, tonumber(h[7]) or 0) + tokens / token_rate
  wait = math.max(wait, tokens_at - 10 - now)
  redis.call('HSET', KEYS[1], 'tokens_at', tostring(tokens_at))
end
local second = math.floor(now)
if tonumber(h[4]) == second then redis.call('HINCRBY', KEYS[1], 'count', permits)
else redis.call('HSET', KEYS[1], 'second', second, 'before', h[5] or 0, 'count', permits) end
redis.call('PEXPIRE', KEYS[1], 120000)
return {math.max(0, math.ceil(wait * 1000)), permits}
"""
)
_CUT = (
    RATE
    + """
if h[3] and now - tonumber(h[3]) < 1 then return tostring(rate) end
if not h[2] or rate >= tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'since', tostring(now), 'cuts', 0) end
local seen = math.max(tonumber(h[5]) or 0, tonumber(h[6]) or 0)
if seen > 0 then rate = math.min(rate, seen) end
rate = math.max(math.min(tonumber(ARGV[1]), tonumber(ARGV[2])), rate * 0.8)
redis.call('HSET', KEYS[1], 'cut', tostring(rate), 'cut_at', tostring(now))
redis.call('HINCRBY', KEYS[1], 'cuts', 1)
redis.call('PEXPIRE', KEYS[1], 120000)
return tostring(rate)
"""
)


def rate_key(provider_id: str) -> str:
    """Where the rate of a provider is kept."""
    return f"whetstone:rate:{provider_id}"


def full_rate(requests_per_minute: int | None) -> float:
    """How many requests a second a provider may be sent while it refuses none."""
    return requests_per_minute / 60 if requests_per_minute else _CEILING_PER_S


class Limiter:
    """The rate of one provider, shared by every process that names the same key."""

    def __init__(
        self,
        redis: Redis,
        key: str,
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        self._redis = redis
        self._key = rate_key(key)
        self._rate = full_rate(requests_per_minute)
        self._token_rate = (tokens_per_minute or 0) / 60
        self._permits = 1 if tokens_per_minute else _MOST_PERMITS
        self._left = 0
        self._free_at = 0.0
        self._turn = asyncio.Lock()
        self._outage = Outage()
        self._reserve = redis.register_script(_RESERVE)
        self._cut = redis.register_script(_CUT)

    async def acquire(self, tokens: int = 0) -> None:
        """Wait until one more request, of about `tokens`, may be sent."""
        if self._left > 0 and not self._turn.locked():  # permits in hand, and nobody waits before us
            self._left -= 1
            return
        async with self._turn:
            if self._left <= 0:
                wait_s, permits = await self._reservation(tokens)
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                self._left = permits
            self._left -= 1

    async def _reservation(self, tokens: int) -> tuple[float, int]:
        """How many seconds to wait, and how many requests may be sent then."""
        if self._outage.lasts:
            return self._local_reservation()
        arguments = [self._rate, self._permits, _RESERVE_S, self._token_rate, tokens]
        try:
            wait_ms, permits = await cast("Awaitable[Any]", self._reserve(keys=[self._key], args=arguments))
            return float(wait_ms) / 1000, int(permits)
        except AWAY_ASYNC as error:
            self._outage.noticed(error)
            log.warning("rate limit kept locally", reason=str(error))
            return self._local_reservation()

    def _local_reservation(self) -> tuple[float, int]:
        """Half the rate, for this process alone: others may be running without the broker, too."""
        now, rate = time.monotonic(), self._rate / 2
        permits = max(1, min(self._permits, int(rate * _RESERVE_S)))
        self._free_at = max(now, self._free_at) + permits / rate
        return max(0.0, self._free_at - now - _RESERVE_S), permits

    async def slow_down(self) -> None:
        """The provider said 429: cut the shared rate."""
        try:
            await cast("Awaitable[Any]", self._cut(keys=[self._key], args=[self._rate, _LEAST_PER_S]))
        except AWAY_ASYNC as error:
            self._outage.noticed(error)
            self._free_at = max(self._free_at, time.monotonic()) + 1


def estimated_tokens(characters: int) -> int:
    """About how many tokens a text has, before the provider counts them: four characters a token."""
    return math.ceil(characters / 4)
