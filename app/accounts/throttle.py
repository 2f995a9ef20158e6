"""Guessing made slow: ten tries a minute, then pauses that double, and never a lock for good.

A browser that has signed in to the account before is counted by itself (`known_browsers`): no stranger shuts it out.

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
SINGLE_SIGN_ONS = 60
"""Ways to the single sign-on provider a minute from one network: an office may be behind one address."""
WINDOW = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=15)
_FORGET_AFTER = timedelta(hours=1)
_FROM = "from "
"""How the throttle of a network, which many may share, is told from that of an account."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a throttle remembers."""

    tries: int
    since: datetime
    level: int
    blocked_until: datetime


def after_a_try(count: Count, now: datetime, most: int = TRIES) -> Count:
    """`count` with one try more: the one after the `most`th begins a pause of 1, 2, 4 … 15 minutes.

    A minute without a try forgets the tries, so that no minute ever holds more than `most`; an hour makes the next
    pause short again.
    """
    if count.blocked_until > now:  # somebody else's try began a pause while this one waited for the row
        return count
    level = 0 if now - max(count.since, count.blocked_until) > _FORGET_AFTER else count.level
    if now - count.since >= WINDOW:
        return Count(1, now, level, count.blocked_until)
    if count.tries < most:
        return Count(count.tries + 1, now, level, count.blocked_until)
    pause = min(WINDOW * 2**level, LONGEST_PAUSE)
    return Count(0, now + pause, min(level + 1, 10), now + pause)


def account_of(email: str) -> str:
    """The account of an address, existing or not, without telling the address."""
    return hashlib.sha256(email.strip().lower().encode(errors="replace")).hexdigest()


def sign_in_keys(email: str, address: str, browser: str | None = None) -> list[str]:
    """The throttles of a try to sign in: where it comes from, and the account, existing or not. Of a browser that is
    known to the account only its own: neither strangers nor neighbours use up its tries."""
    account = f"sign-in to {account_of(email)}"
    return [f"{account} by {browser}"] if browser else [f"{_FROM}{network_of(address)} to sign in", account]


def proof_keys(user_id: str) -> list[str]:
    """The throttle of somebody signed in who shows that they know their password: no stranger gets that far."""
    return [f"password of {user_id}"]


def single_sign_on_keys(address: str) -> list[str]:
    """The throttle of being sent to the single sign-on provider."""
    return [f"{_FROM}{network_of(address)} to single sign-on"]


def key_guess(address: str) -> list[str]:
    """The throttle of API keys that do not exist."""
    return [f"key from {network_of(address)}"]


def link_guess(address: str) -> list[str]:
    """The throttle of links to reports and queues that open nothing."""
    return [f"link from {network_of(address)}"]


def opened_link(guest_id: str) -> list[str]:
    """The throttle of a guest's link that is right: each opening is a session and a line of the audit log."""
    return [f"link of {guest_id}"]


def spend_try(session: Session, keys: Sequence[str], most: int = TRIES) -> None:
    """Count a try under each of `keys`. The caller commits, also when this raises. A refused try counts nowhere,
    so that nobody can make a pause longer than it is.

    Raises:
        TooMany: one of them is in a pause, or the try began one.
    """
    now = clock.now()
    pause = repository.find_pause(session, keys)
    for key in keys if pause is None else ():
        row = repository.lock_throttle(session, key, now)
        count = after_a_try(Count(row.tries, row.since, row.level, row.blocked_until), now, most)
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
    """Give back the try of somebody who was right: all that their account had, one of their network."""
    for key in keys:
        if key.startswith(_FROM):
            row = repository.lock_throttle(session, key, clock.now())
            row.tries = max(0, row.tries - 1)
        else:
            repository.delete_throttle(session, key)
