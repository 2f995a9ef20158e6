"""What bounds an answer of a provider: its bytes, what they unpack to, and how long it may be silent."""

import zlib
from collections.abc import AsyncIterator

import httpx2

BODY_CAP = 10 * 1024 * 1024
"""Bytes of an answer, decompressed. More is not an answer but a fault."""
RAW_CAP = 64 * 1024
"""Bytes, and characters, that are kept of an answer that could not be used."""
CONNECT_S, IDLE_S = 10.0, 30.0
_BEGINNING = "whetstone_beginning"
UNTIL_DONE = httpx2.Timeout(None, connect=CONNECT_S)
"""For answers that are not streamed: a model that reasons sends nothing until it is done, so only the caller's
deadline ends the wait."""


class BodyTooLarge(httpx2.TransportError):
    """An answer went on past the cap."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, encoding: str, beginning: bytearray) -> None:
        self._inner, self._beginning = inner, beginning
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
            if len(self._beginning) < RAW_CAP:
                self._beginning += out[: RAW_CAP - len(self._beginning)]
            if total > BODY_CAP:
                msg = f"The answer went on past {BODY_CAP // 1024 // 1024} MiB."
                raise BodyTooLarge(msg)
            yield out

    async def aclose(self) -> None:
        await self._inner.aclose()


def beginning_of(response: httpx2.Response) -> str:
    """What came of an answer before it broke off, at most the first 64 KiB, unpacked."""
    return bytes(response.extensions.get(_BEGINNING, b"")).decode(errors="replace")


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Answers within the bounds, whatever `inner` lets through."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        said = response.headers.get("content-encoding", "").lower().split(",")
        codings = [coding for each in said if (coding := each.strip()) not in ("", "identity")]
        if len(codings) > 1 or not {*codings} <= {"gzip", "deflate"}:
            # The client would unpack it itself, without a bound.
            await response.aclose()
            msg = f"The answer is packed in a way that is not read: {', '.join(codings)[:100]}."
            raise httpx2.DecodingError(msg)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            # An answer that comes to no end has no content: this is what is left of it.
            beginning = response.extensions[_BEGINNING] = bytearray()
            response.stream = _Bounded(response.stream, codings[0] if codings else "", beginning)
        response.headers.pop("content-encoding", None)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
