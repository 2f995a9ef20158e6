"""Guessing made slow: ten tries a minute, then pauses that double, and never a lock for good.

Kept in Postgres, so that it holds for all processes and when Valkey is away or flushed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.accounts import repository
from app.core import clock
from app.core.clients import network_of
from app.core.errors import TooMany

TRIES = 10
WINDOW = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
_FORGET_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Count:
    """What a throttle remembers."""

    tries: int
    since: datetime
    level: int
    blocked_until: datetime


def after_a_try(count: Count, now: datetime) -> Count:
    """`count` with one try more: the eleventh begins a pause of 1, 2, 4 … 15 minutes.

    A minute without a try forgets the tries, so that no minute ever holds more than ten; an hour makes the next
    pause short again.
    """
    if count.blocked_until > now:  # somebody else's try began a pause while this one waited for the row
        return count
    level = 0 if now - max(count.since, count.blocked_until) > _FORGET_AFTER else count.level
    if now - count.since >= WINDOW:
        return Count(1, now, level, count.blocked_until)
    if count.tries < TRIES:
        return Count(count.tries + 1, now, level, count.blocked_until)
    pause = min(WINDOW * 2**level, LONGEST_PAUSE)
    return Count(0, now + pause, min(level + 1, 10), now + pause)


def sign_in_keys(email: str, address: str) -> list[str]:
    """The throttles of a try to sign in: where it comes from first, then the account, existing or not."""
    account = hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()
    return [f"sign-in from {network_of(address)}", f"sign-in to {account}"]


def key_guess(address: str) -> list[str]:
    """The throttle of API keys that do not exist."""
    return [f"key from {network_of(address)}"]


def spend_try(session: Session, keys: Sequence[str]) -> None:
    """Count a try under each of `keys`. The caller commits, also when this raises. A refused try counts nowhere,
    so that nobody can make a pause longer than it is.

    Raises:
        TooMany: one of them is in a pause, or the try began one.
    """
    now = clock.now()
    pause = repository.find_pause(session, keys)
    for key in keys if pause is None else ():
        row = repository.lock_throttle(session, key, now)
        count = after_a_try(Count(row.tries, row.since, row.level, row.blocked_until), now)
        row.tries, row.since, row.level = count.tries, count.since, count.level
        row.blocked_until = count.blocked_until
        session.flush()
        if count.blocked_until > now:
            pause = count.blocked_until
            break
    if pause:
        wait = max(1, round((pause - now).total_seconds()))
        words = "a minute" if wait <= 60 else f"{-(-wait // 60)} minutes"
        session.commit()
        raise TooMany(f"Too many tries. Wait {words}, then try again.", retry_after_s=wait)


def forgive(session: Session, keys: Sequence[str]) -> None:
    """Give back the try of somebody who was right: all that their account had, one of their address."""
    address, *accounts = keys
    row = repository.lock_throttle(session, address, clock.now())
    row.tries = max(0, row.tries - 1)
    for key in accounts:
        repository.delete_throttle(session, key)
