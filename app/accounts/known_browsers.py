"""Browsers that somebody has signed in with before: strangers who guess at an address do not shut those out.

As OWASP's "Slow Down Online Guessing Attacks with Device Cookies" describes it. The mark lets nobody in: it only says
which tries are counted together, apart from everybody else's.
"""

import secrets

from app.accounts.throttle import account_of
from app.core import security

COOKIE = "whetstone_known_browser"
LASTS_S = 400 * 86_400
"""The longest that browsers keep a cookie (RFC 6265bis)."""
_PURPOSE = "known browser"


def mark(email: str) -> str:
    """What a browser keeps after signing in to the account of `email`. It holds no part of the address."""
    number = secrets.token_hex(16)
    return f"{number}.{_signature(number, email)}"


def recognise(kept: str, email: str) -> str | None:
    """The number of the browser that kept `kept`, if it has signed in to the account of `email` before."""
    number, _, signature = kept.partition(".")
    return number if security.same(signature, _signature(number, email)) else None


def _signature(number: str, email: str) -> str:
    return security.signature(_PURPOSE, f"{number} {account_of(email)}")
