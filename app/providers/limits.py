"""How fast a provider may be called: one rate for all processes, kept in Valkey, cut when it says 429.

The limiter is GCRA (the virtual-scheduling form of the leaky bucket, ITU-T I.371) with reservation: a process
takes permits for about 50 ms at once and is told how long to wait for them, so nobody polls. The rate is cut
by a fifth at most once a second on a 429 (multiplicative decrease) and grows back by 5 % a second.
"""

import asyncio
import math
import time
from collections.abc import Awaitable
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

_CEILING_PER_S = 5_000.0
"""The rate where no limit is set: more than one machine can do, so that only a 429 slows it down."""
_LEAST_FACTOR = 0.001
_RESERVE_S = 0.05
_MOST_PERMITS = 50

_FACTOR = """
local t = redis.call('TIME'); local now = t[1] + t[2] / 1e6
local h = redis.call('HMGET', KEYS[1], 'at', 'factor', 'factor_at', 'second', 'count', 'before', 'cut_at', 'tokens_at')
local factor = math.min(1, (tonumber(h[2]) or 1) * 1.05 ^ math.max(0, now - (tonumber(h[3]) or now)))
"""
_RESERVE = (
    _FACTOR
    + """
local rate, burst, permits = tonumber(ARGV[1]) * factor, tonumber(ARGV[2]), tonumber(ARGV[3])
local token_rate, tokens = tonumber(ARGV[4]) * factor, tonumber(ARGV[5])
local at = math.max(now, tonumber(h[1]) or 0) + permits / rate
local wait = at - burst / rate - now
redis.call('HSET', KEYS[1], 'at', tostring(at))
if token_rate > 0 then
  local tokens_at = math.max(now, tonumber(h[8]) or 0) + tokens / token_rate
  wait = math.max(wait, tokens_at - 10 - now)
  redis.call('HSET', KEYS[1], 'tokens_at', tostring(tokens_at))
end
local second = math.floor(now)
if tonumber(h[4]) == second then redis.call('HINCRBY', KEYS[1], 'count', permits)
else redis.call('HSET', KEYS[1], 'second', second, 'before', h[5] or 0, 'count', permits) end
redis.call('PEXPIRE', KEYS[1], 120000)
return math.max(0, math.ceil(wait * 1000))
"""
)
_CUT = (
    _FACTOR
    + """
if now - (tonumber(h[7]) or 0) < 1 then return tostring(factor) end
local seen = math.max(tonumber(h[5]) or 0, tonumber(h[6]) or 0) / tonumber(ARGV[1])
if seen > 0 then factor = math.min(factor, seen) end
factor = math.max(tonumber(ARGV[2]), factor * 0.8)
redis.call('HSET', KEYS[1], 'factor', tostring(factor), 'factor_at', tostring(now), 'cut_at', tostring(now))
redis.call('PEXPIRE', KEYS[1], 120000)
return tostring(factor)
"""
)


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
        self._key = f"whetstone:rate:{key}"
        self._rate = requests_per_minute / 60 if requests_per_minute else _CEILING_PER_S
        self._token_rate = (tokens_per_minute or 0) / 60
        whole = max(1, min(_MOST_PERMITS, int(self._rate * _RESERVE_S)))
        self._permits = 1 if tokens_per_minute else whole
        self._left = 0
        self._free_at = 0.0
        self._turn = asyncio.Lock()
        self._reserve = redis.register_script(_RESERVE)
        self._cut = redis.register_script(_CUT)

    async def acquire(self, tokens: int = 0) -> None:
        """Wait until one more request, of about `tokens`, may be sent."""
        if self._left > 0 and not self._turn.locked():  # permits in hand, and nobody waits before us
            self._left -= 1
            return
        async with self._turn:
            if self._left <= 0:
                wait_s = await self._wait_for(tokens)
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                self._left = self._permits
            self._left -= 1

    async def _wait_for(self, tokens: int) -> float:
        burst = max(1.0, self._rate * _RESERVE_S)
        arguments = [self._rate, burst, self._permits, self._token_rate, tokens]
        try:
            return float(await cast("Awaitable[Any]", self._reserve(keys=[self._key], args=arguments))) / 1000
        except (RedisError, OSError) as error:
            log.warning("rate limit kept locally", reason=str(error))
            return self._local_wait()

    def _local_wait(self) -> float:
        """Half the rate, for this process alone: others may be running without the broker, too."""
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + self._permits / (self._rate / 2)
        return max(0.0, self._free_at - now - _RESERVE_S)

    async def slow_down(self) -> None:
        """The provider said 429: cut the shared rate."""
        try:
            await cast("Awaitable[Any]", self._cut(keys=[self._key], args=[self._rate, _LEAST_FACTOR]))
        except (RedisError, OSError):
            self._free_at = max(self._free_at, time.monotonic()) + 1


def estimated_tokens(characters: int) -> int:
    """About how many tokens a text has, before the provider counts them: four characters a token."""
    return math.ceil(characters / 4)
