"""`openai` and the HTTP client below it: no redirects that carry a key away. Nothing else imports either.

A quarter of what a web process loads, and no page needs it: it comes with the first client of a model. Workers load it
before they fork.
"""

import ssl
from collections.abc import Callable
from functools import lru_cache
from socket import socket
from typing import Any

import aiohttp
import httpx2
import openai

from app.core.urlguard import AddressInfo
from app.providers.transport import CONNECT_S, IDLE_S, BoundedTransport


class _Client(openai.DefaultAioHttpClient):
    """openai's client over aiohttp (half the processor time of the default), with the bounds around it."""

    def __init__(self, sockets: Callable[[AddressInfo], socket] | None, **options: Any) -> None:
        self._sockets = sockets
        super().__init__(**options)

    def _init_transport(self, *args: Any, **options: Any) -> httpx2.AsyncBaseTransport:
        transport: Any = super()._init_transport(*args, **options)

        def session() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(
                limit=transport.limits.max_connections or 0,
                keepalive_timeout=transport.limits.keepalive_expiry,
                ssl=transport.ssl_context,
                socket_factory=self._sockets,
            )
            return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

        transport.client = session
        return BoundedTransport(transport)


@lru_cache
def _certificates() -> ssl.SSLContext:
    """Whom connections believe, for all clients of this process: reading it takes longer than many calls do."""
    return httpx2.create_ssl_context()


def http_client(
    connections: int, sockets: Callable[[AddressInfo], socket] | None = None, *, idle_s: float = IDLE_S
) -> httpx2.AsyncClient:
    """A client that keeps up to `connections` open. Idle and connect times are bounded, redirects refused.

    `sockets` makes its sockets, and may refuse the address that one would be connected to.
    """
    return _Client(
        sockets,
        limits=httpx2.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=20
        ),
        timeout=httpx2.Timeout(idle_s, connect=CONNECT_S, pool=None),
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
        trust_env=False,
        verify=_certificates(),
    )
