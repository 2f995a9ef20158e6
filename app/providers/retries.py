"""Whether and when a call that failed is made again."""

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from app.core import clock
from app.providers.answers import ProviderError
from app.providers.limits import Limiter

_MOST_FAULTS = 3
_LONGEST_RETRY_AFTER_S = 120.0
_LONGEST_BACKOFF_S = 20.0
Again = Callable[[], Awaitable[str | None]]
"""Is asked right before a request is sent again, and counts it; says why it must not be, if so."""


class Policy:
    """When to try again, and after how long."""

    def __init__(self, limiter: Limiter | None, patience_s: float, again: Again | None = None) -> None:
        self._limiter = limiter
        self._again = again
        self._faults = 0
        self._busy_until = time.monotonic() + patience_s
        self.attempts = 1

    async def next(self, failure: ProviderError) -> None:
        """Wait for the next try, or raise `failure` when there is none."""
        failure.attempts = self.attempts
        if failure.status == 429 and failure.retryable:
            delay = self._busy_delay(failure)
            if time.monotonic() + delay > self._busy_until:
                raise failure
            if self._limiter:
                await self._limiter.slow_down()
        else:
            self._faults += 1
            if not failure.retryable or self._faults >= _MOST_FAULTS:
                if failure.timed_out and self.attempts > 1:
                    failure.message = f"{failure.message.removesuffix('.')}, {self.attempts} times."
                raise failure
            delay = random.uniform(0, min(_LONGEST_BACKOFF_S, 0.5 * 2**self._faults))
        await asyncio.sleep(delay)
        if self._again and (refusal := await self._again()):
            failure.message = f"{failure.message.removesuffix('.')}; not tried again: {refusal}."
            raise failure
        self.attempts += 1

    def _busy_delay(self, failure: ProviderError) -> float:
        asked = retry_after_s(failure.retry_after)
        if asked:  # "0" asks for nothing: our own pause holds
            return min(asked, _LONGEST_RETRY_AFTER_S) * random.uniform(1, 1.25)
        return random.uniform(0, min(_LONGEST_BACKOFF_S, 0.5 * 2 ** min(self.attempts, 10)))


def retry_after_s(header: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, which may name seconds or a date; None if it does neither."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        moment: datetime = email.utils.parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):  # a year or a zone of so many digits that no date holds it
        return None
    return max(0.0, (moment - clock.now()).total_seconds()) if moment.tzinfo else None
