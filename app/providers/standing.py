"""How the limits of providers stand at this moment, for all processes, and taking back what a 429 cut."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis
from sqlalchemy.orm import Session

from app.core import clock, events
from app.core.access import Principal
from app.core.broker import AWAY, outage
from app.core.errors import Unavailable
from app.core.settings import get_settings
from app.providers import in_flight, limits
from app.providers.models import Provider
from app.workspaces import audit

_STATE = (
    limits.RATE
    + """
if not h[2] or rate >= tonumber(ARGV[1]) then return {} end
local cuts = redis.call('HGET', KEYS[1], 'cuts')
return {tostring(rate), h[2], tostring(now - h[3]), tostring(now - (h[8] or h[3])), cuts or 1}
"""
)
# What was reserved at the low rate goes with the cut: it would hold everybody up for seconds more.
_RESTORE = """return redis.call('HDEL', KEYS[1], 'cut', 'cut_at', 'since', 'cuts', 'at')"""


@dataclass(frozen=True, slots=True)
class Cut:
    """That a provider's 429s slowed its calls down, and how far it has come back."""

    per_s: float
    """Requests a second that are allowed now; it grows by 5 % a second."""
    cut_to: float
    """The same, right after the last cut."""
    times: int
    """How often it was cut since the full rate was last allowed; at most once a second."""
    since: datetime
    last: datetime
    back_in_s: float
    """When the full rate is allowed again, if it does not say 429 until then."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the limits of one provider stand."""

    known: bool
    """Whether Valkey, which knows, could be asked."""
    cut: Cut | None = None
    in_flight: int = 0
    """Calls of runs that are waited for; told by workers once a second."""


def most_in_flight(provider: Provider) -> int | None:
    """How many calls of runs all workers together may have in flight; None is no limit.

    Each slot has an equal share, rounded up: with two slots, a limit of 5 lets 6 through.
    """
    slots = get_settings().worker_slots
    return math.ceil(provider.concurrency / slots) * slots if provider.concurrency else None


UNKNOWN = Standing(known=False)


def standings(providers: Sequence[Provider]) -> list[Standing]:
    """How the limits of each of `providers` stand; unknown while Valkey is away."""
    if outage().lasts or not providers:
        return [UNKNOWN] * len(providers)
    try:
        return _read(events.broker(), providers)
    except AWAY as error:
        outage().noticed(error)
        return [UNKNOWN] * len(providers)


def _read(redis: Redis, providers: Sequence[Provider]) -> list[Standing]:
    state, pipeline = redis.register_script(_STATE), redis.pipeline(transaction=False)
    for provider in providers:
        state(keys=[limits.rate_key(provider.id)], args=[_full(provider)], client=pipeline)
    cuts, calls = pipeline.execute(), in_flight.told(redis)
    return [
        Standing(known=True, cut=_cut(found, _full(provider)), in_flight=calls[provider.id])
        for provider, found in zip(providers, cuts, strict=True)
    ]


def _full(provider: Provider) -> float:
    return limits.full_rate(provider.requests_per_minute)


def _cut(found: list[bytes], full: float) -> Cut | None:
    if not found:
        return None
    rate, cut_to, last_s, since_s, times = (float(value) for value in found)
    now = clock.now()
    return Cut(
        per_s=rate,
        cut_to=cut_to,
        times=int(times),
        since=now - timedelta(seconds=since_s),
        last=now - timedelta(seconds=last_s),
        back_in_s=math.log(full / rate, limits.GROWTH),
    )


def restore(session: Session, principal: Principal, provider: Provider) -> None:
    """Allow the full rate again at once; nothing happens where nothing is cut.

    Calls that wait already wait on, for as long as they were told to: some seconds at most. If the provider still
    says 429, the rate is cut again.

    Raises:
        Unavailable: Valkey is away.
    """
    standing = standings([provider])[0]
    if standing.known and standing.cut is None:
        return
    if standing.cut:
        audit.record(
            session, principal, "provider.rate_restored", "provider", provider.id,
            name=provider.name, was_per_s=round(standing.cut.per_s, 2), cuts=standing.cut.times,
        )  # fmt: skip
        session.flush()
        try:
            events.broker().eval(_RESTORE, 1, limits.rate_key(provider.id))
        except AWAY as error:
            outage().noticed(error)
        else:
            return
    raise Unavailable("The rate is kept in Valkey, which does not answer. Try again in some seconds.")
