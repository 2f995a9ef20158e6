"""What was spent under a cap, counted for all processes at once, so that a cap is passed by no more than what is in flight.

The count in Valkey is ahead of the database's, which learns of a call when its result is written. The larger of the two is
what was spent, and what the count goes on from: it misses what is spent while nothing is capped. With Valkey away or
emptied, the database's and this process's own calls are what is known, and what the count begins again from.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import structlog
from redis.asyncio import Redis

from app.core.broker import AWAY_ASYNC, Outage

log = structlog.get_logger()
_KEPT_S = 7 * 24 * 3600
_ADD = """
local known = redis.call('HMGET', KEYS[1], 'usd', 'calls')
if tonumber(known[1] or 0) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[1], 'usd', ARGV[3]) end
if tonumber(known[2] or 0) < tonumber(ARGV[4]) then redis.call('HSET', KEYS[1], 'calls', ARGV[4]) end
local usd = redis.call('HINCRBYFLOAT', KEYS[1], 'usd', ARGV[1])
local calls = redis.call('HINCRBY', KEYS[1], 'calls', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {tostring(usd), calls}
"""


@dataclass(slots=True)
class Spent:
    """Dollars and calls."""

    usd: Decimal = Decimal(0)
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Cap:
    """What may be spent; None is no limit. `what` names it to people."""

    usd: Decimal | None = None
    calls: int | None = None
    what: str = "cap"

    def reached_by(self, spent: Spent) -> str | None:
        """Why nothing more may be spent, if so."""
        if self.usd is not None and spent.usd >= self.usd:
            return f"{self.what} of ${self.usd:,.2f} reached"
        if self.calls is not None and spent.calls >= self.calls:
            return f"{self.what} of {self.calls:,} calls reached"
        return None


class Meter:
    """The spending under one cap. Belongs to one event loop.

    `key` names it to every process; `stored` is what the database knows so far; `outage` is what is known of Valkey by others
    of this process.
    """

    def __init__(self, redis: Redis, key: str, cap: Cap, stored: Spent, outage: Outage | None = None) -> None:
        self._key = f"whetstone:spent:{key}"
        self._cap = cap
        self._stored = stored
        self._shared = Spent()
        self._told = Spent()
        self._outage = outage or Outage()
        self._add = redis.register_script(_ADD)

    async def admit(self) -> str | None:
        """Count one call that is about to be made; or say why it must not be, and count nothing."""
        if refusal := self._cap.reached_by(self._known()):
            return refusal
        await self._count(Decimal(0), 1)
        # Others may have spent the rest in the meantime: the count that came back holds what they did.
        known = self._known()
        refusal = self._cap.reached_by(Spent(known.usd, known.calls - 1))
        if refusal:
            await self._count(Decimal(0), -1)
        return refusal

    async def spent(self, usd: Decimal, more_calls: int = 0) -> None:
        """Count what an admitted call cost, and the calls that were made again for it."""
        if usd or more_calls:
            await self._count(usd, more_calls)

    def learn(self, stored: Spent, cap: Cap | None = None) -> None:
        """Take in what the database knows by now, and a cap that was changed."""
        self._stored = stored
        self._cap = cap or self._cap

    def _known(self) -> Spent:
        usd = max(self._shared.usd, self._stored.usd)
        return Spent(usd, max(self._shared.calls, self._stored.calls))

    async def _count(self, usd: Decimal, calls: int) -> None:
        if self._outage.lasts:
            self._count_here(usd, calls)
            return
        # Never ahead of what Valkey was told: a floor above its count would count the same calls twice.
        self._told.calls += min(calls, 0)
        at_least = Spent(max(self._stored.usd, self._told.usd), max(self._stored.calls, self._told.calls))
        arguments: list[str | int] = [str(usd), calls, str(at_least.usd), at_least.calls, _KEPT_S]
        try:
            found = await cast("Awaitable[Any]", self._add(keys=[self._key], args=arguments))
        except AWAY_ASYNC as error:
            self._outage.noticed(error)
            log.warning("spending counted locally", reason=str(error))
            self._told.calls -= min(calls, 0)
            self._count_here(usd, calls)
        else:
            self._told = Spent(self._told.usd + usd, self._told.calls + max(calls, 0))
            self._shared = Spent(Decimal(_text(found[0])), int(found[1]))

    def _count_here(self, usd: Decimal, calls: int) -> None:
        """Count what Valkey is not told, also not when it is there again: by then the database knows it."""
        known = self._known()
        self._shared = Spent(known.usd + usd, known.calls + calls)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
