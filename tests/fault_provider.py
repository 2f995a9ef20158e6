"""A provider that fails in the way that a message asks for: `FAULT<name>` in the last message. Everything else is answered.

It keeps a log of its calls, which is what tests of retries believe.
"""

import asyncio
import gzip
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

BODY_CAP = 10 * 1024 * 1024
RAW_CAP = 64 * 1024
NO_DATES = ("Mon, 1 Jan 99999999999 00:00:00 GMT", "Wed, 21 Oct 2026 07:28:00 +999999999999999")
"""Written as dates, with numbers that no date has room for."""


def _reply(
    status: int, body: bytes | dict[str, Any], kind: str = "application/json", **headers: str
) -> bytes:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    named = {"content-type": kind, "content-length": str(len(data)), **headers}
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + data


def _said(status: int, message: str, code: str | None = None, **headers: str) -> bytes:
    return _reply(status, {"error": {"message": message, "code": code}}, **headers)


def _choice(message: Any, **more: Any) -> bytes:
    return _reply(200, {"choices": [{"message": message, "finish_reason": "stop"}], **more})


@dataclass(frozen=True)
class Fault:
    """A failure, and what a row must say of it."""

    reply: Callable[[], bytes] | None
    """What is sent; None closes the connection without a word."""
    error: str
    """Part of the row's error."""
    attempts: int
    body: str | None = None
    """The beginning of the raw body that is kept; None where nothing came that could be."""


FAULTS: dict[str, Fault] = {
    "bad request": Fault(lambda: _said(400, "context too long"), "answered 400: context too long", 1, '{"error": {"message": "context too long"'),
    "unauthorised": Fault(lambda: _said(401, "wrong key"), "answered 401: wrong key", 1, '{"error": {"message": "wrong key"'),
    "forbidden": Fault(lambda: _said(403, "not in your region"), "answered 403", 1, '{"error": {"message": "not in your region"'),
    "no such model": Fault(lambda: _said(404, "no such model", "model_not_found"), "answered 404", 1, '{"error": {"message": "no such model", "code": "model_not_found"}}'),
    "unprocessable": Fault(lambda: _said(422, "bad schema"), "answered 422: bad schema", 1, '{"error": {"message": "bad schema"'),
    "no money": Fault(lambda: _said(429, "pay first", "insufficient_quota"), "answered 429: pay first", 1, '{"error": {"message": "pay first", "code": "insufficient_quota"}}'),
    "request timeout": Fault(lambda: _said(408, "too slow"), "answered 408", 3, '{"error": {"message": "too slow"'),
    "internal error": Fault(lambda: _said(500, "oops"), "answered 500: oops", 3, '{"error": {"message": "oops"'),
    "bad gateway in HTML": Fault(lambda: _reply(502, b"<html><h1>Bad gateway</h1></html>", "text/html"), "answered 502", 3, "<html><h1>Bad gateway"),
    "overloaded": Fault(lambda: _said(503, "overloaded"), "answered 503: overloaded", 3, '{"error": {"message": "overloaded"'),
    "gateway timeout without a word": Fault(lambda: _reply(504, b"", "text/plain"), "answered 504", 3),
    "closes at once": Fault(None, "", 3),
    "closes in the headers": Fault(lambda: b"HTTP/1.1 200 OK\r\ncontent-le", "", 3),
    "closes in the body": Fault(lambda: _reply(200, {"choices": []}).replace(b"content-length: 15", b"content-length: 900"), "", 3, '{"choices": []}'),
    "is no HTTP": Fault(lambda: b"SSH-2.0-OpenSSH_9.2\r\n", "", 3),
    "HTML with 200": Fault(lambda: _reply(200, b"<html>log in</html>", "text/html"), "something that is not JSON", 1, "<html>log in"),
    "empty with 200": Fault(lambda: _reply(200, b"", "text/plain"), "something that is not JSON", 1),
    "JSON cut off": Fault(lambda: _reply(200, b'{"choices": [{"mess'), "JSON that cannot be read", 3, '{"choices": [{"mess'),
    "a list": Fault(lambda: _reply(200, b"[1, 2]"), "not JSON", 1, "[1, 2]"),
    "no choices": Fault(lambda: _reply(200, {"choices": []}), "no choices", 1, '{"choices": []}'),
    "choices are a text": Fault(lambda: _reply(200, {"choices": "none"}), "no choices", 1, '{"choices": "none"}'),
    "no message": Fault(lambda: _reply(200, {"choices": [{"finish_reason": "stop"}]}), "a choice without a message", 1, '{"choices": [{"finish_reason": "stop"}]}'),
    "content is a number": Fault(lambda: _choice({"role": "assistant", "content": 7}), "content that is not text", 1, '{"choices": [{"message": {"role": "assistant", "content": 7}'),
    "an error with 200": Fault(lambda: _reply(200, {"error": {"message": "hidden"}}), "hidden", 1, '{"error": {"message": "hidden"}}'),
    "a redirect": Fault(lambda: _reply(302, b"", "text/plain", location="http://127.0.0.1:9/"), "answered 302", 1),
    "gzip that is broken": Fault(lambda: _reply(200, b"\x1f\x8b not gzip", content_encoding="gzip"), "", 3),
    "gzip bomb": Fault(lambda: _reply(200, gzip.compress(b"x" * (BODY_CAP * 2)), content_encoding="gzip"), "went on past 10 MiB", 1, "x" * RAW_CAP),
    "endless body": Fault(lambda: b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b"x" * (BODY_CAP + 999), "went on past 10 MiB", 1, "x" * RAW_CAP),
}  # fmt: skip
HEALS = {
    "busy once": [_said(429, "slow down", retry_after="0.2")],
    "busy three times": [_said(429, "slow down")] * 3,
    "down twice": [_said(503, "starting"), _said(500, "starting")],
    "resets once": [b""],
    "busy until no year": [_said(429, "slow down", retry_after=NO_DATES[0])],
    "busy in no zone": [_said(429, "slow down", retry_after=NO_DATES[1])],
}
"""What is answered at first, for as long as the list goes; then the call succeeds."""


_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


async def _say_nothing(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _drip(writer: asyncio.StreamWriter, start: bytes, byte: bytes, every_s: float = 1.0) -> None:
    writer.write(start)
    while True:
        await writer.drain()
        await asyncio.sleep(every_s)
        writer.write(byte)


def _piece(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


HANGS: dict[str, Callable[[asyncio.StreamWriter], Awaitable[None]]] = {
    "says nothing": _say_nothing,
    "drips its headers": lambda writer: _drip(writer, b"HTTP/1.1 200 OK\r\nx-slow: ", b"x"),
    "drips its body": lambda writer: _drip(writer, _JSON_HEAD, b" "),
    "never ends": lambda writer: _drip(writer, _JSON_HEAD, b" " * 1024**2, 0.01),
    "streams for ever": lambda writer: _drip(writer, _STREAM_HEAD, _piece("on and "), 0.05),
    "streams far too much": lambda writer: _drip(writer, _STREAM_HEAD, _piece("x" * 1024**2), 0.01),
    "drips a stream": lambda writer: _drip(writer, _STREAM_HEAD + _piece("one"), b":"),
    "stops in a stream": lambda writer: _drip(writer, _STREAM_HEAD + _piece("one"), b":", 3600),
}
"""What a provider does that never comes to its end by itself."""


@dataclass
class FaultProvider:
    """Where it listens, and what it was asked: the last message of each call, and how often."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    _serving: set[Any] = field(default_factory=set)
    """The loop itself keeps only weak references to those that wait for ever."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while head := await reader.readuntil(b"\r\n\r\n"):
                    if not await self._reply_to(head, reader, writer):
                        break
        finally:
            self._serving.discard(asyncio.current_task())
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _reply_to(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; whether the connection stays open for another."""
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        asked = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
        self.asked[asked] += 1
        if hang := HANGS.get(_named(asked)):
            await hang(writer)
        answer = self._answer(asked)
        writer.write(answer)
        await writer.drain()
        return b"connection: keep-alive" in answer

    def _answer(self, asked: str) -> bytes:
        name = _named(asked)
        if name in FAULTS:
            reply = FAULTS[name].reply
            return reply() if reply else b""
        earlier = HEALS.get(name, [])
        if self.asked[asked] <= len(earlier):
            return earlier[self.asked[asked] - 1]
        body = json.dumps(
            {"choices": [{"message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}]}
        )
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: keep-alive\r\n\r\n"
        return (head + body).encode()


def _named(asked: str) -> str:
    return asked.partition("FAULT<")[2].partition(">")[0]


@contextmanager
def running_fault_provider(provider: FaultProvider | None = None) -> Iterator[FaultProvider]:
    """The provider, by default a plain one, on a free port of loopback, in a thread of its own."""
    provider, ready, stop = provider or FaultProvider(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await stop.wait()
        server.close()
        open_ones = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_ones:  # connections that were kept alive
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
