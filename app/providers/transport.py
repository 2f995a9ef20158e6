"""The HTTP client below `openai`: bounded bodies, bounded decompression, no redirects that carry a key away."""

import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from socket import socket
from typing import Any

import aiohttp
import httpx2
import openai

from app.core.urlguard import AddressInfo

BODY_CAP = 10 * 1024 * 1024
"""Bytes of an answer, decompressed. More is not an answer but a fault."""
CONNECT_S, IDLE_S = 10.0, 30.0
UNTIL_DONE = httpx2.Timeout(None, connect=CONNECT_S)
"""For answers that are not streamed: a model that reasons sends nothing until it is done, so only the caller's
deadline ends the wait."""


class BodyTooLarge(httpx2.TransportError):
    """An answer went on past the cap."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, encoding: str) -> None:
        self._inner = inner
        # 47: zlib reads gzip and deflate alike, by their headers
        self._inflate = zlib.decompressobj(47) if encoding in ("gzip", "deflate") else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._inner:
            try:
                out = self._inflate.decompress(chunk, BODY_CAP + 1) if self._inflate else chunk
            except zlib.error as error:
                msg = "The answer is compressed, and broken."
                raise httpx2.DecodingError(msg) from error
            total += len(out)
            if total > BODY_CAP:
                msg = f"The answer went on past {BODY_CAP // 1024 // 1024} MiB."
                raise BodyTooLarge(msg)
            yield out

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedTransport(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream, encoding)
        if encoding in ("gzip", "deflate"):
            del response.headers["content-encoding"]
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


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
        return _BoundedTransport(transport)


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
