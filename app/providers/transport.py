"""What bounds an answer of a provider: its bytes, what they unpack to, and how long it may be silent."""

import zlib
from collections.abc import AsyncIterator

import httpx2

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


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Answers within the bounds, whatever `inner` lets through."""

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
