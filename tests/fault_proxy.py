"""A TCP proxy on loopback that is as bad as it is told to be: slow, thin, mute, refusing, cut in the middle.

It knows nothing of what it carries, so it stands before Postgres, Valkey or a provider alike.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing then sends RST."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with the way. The default is nothing."""

    latency_s: float = 0.0
    """Before whatever the client sends arrives: once a round trip."""
    bytes_per_s: float | None = None
    black_hole: bool = False
    """Connections are accepted, and nothing that is sent on them arrives or is ever answered, also later: as when
    a firewall has forgotten them."""
    refuse: bool = False
    """Connections are reset as soon as they are made."""


class FaultProxy:
    """One proxied server. `fault` holds from now on, for open and for new connections."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._open: set[_Pair] = set()
        self._serving: set[Any] = (
            set()
        )  # the loop itself keeps only weak references to those that wait for ever
        self.fault = Fault()
        self.port = 0

    def url(self, direct: str) -> str:
        """`direct`, the server's URL, leading through the proxy."""
        parts = urlsplit(direct)
        credentials, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}"))

    @contextmanager
    def failing(self, **how: Any) -> Iterator[None]:
        """For the time of the block the way is as bad as `how` says."""
        self.fault = replace(Fault(), **how)
        if self.fault.refuse:
            self.reset()
        elif self.fault.black_hole:
            self._call(lambda pair: setattr(pair, "mute", True))
        try:
            yield
        finally:
            self.fault = Fault()

    def cut(self) -> None:
        """Close every connection, as a server does that stops."""
        self._call(_Pair.close)

    def reset(self) -> None:
        """Break every connection off."""
        self._call(_Pair.reset)

    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    def _call(self, what: Callable[["_Pair"], None]) -> None:
        async def all_of_them() -> None:
            for pair in list(self._open):
                what(pair)

        asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result(10)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(self, reader, writer)
        if self.fault.refuse:
            pair.reset()
            return
        self._open.add(pair)
        self._serving.add(asyncio.current_task())
        try:
            await pair.carry(self._target)
        finally:
            self._open.discard(pair)
            self._serving.discard(asyncio.current_task())
            pair.close()

    def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        async def listen() -> None:
            server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=512)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()
            server.close()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        self._loop.run_until_complete(listen())
        self._loop.close()

    def stop(self, stop: asyncio.Event) -> None:
        self._loop.call_soon_threadsafe(stop.set)


class _Pair:
    """A client's connection, and the one to the server that belongs to it."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writers = [writer]
        self.mute = proxy.fault.black_hole

    async def carry(self, target: tuple[str, int]) -> None:
        if self.mute:
            while await self._reader.read(_CHUNK):
                pass
            return
        try:
            upstream, sink = await asyncio.open_connection(*target)
        except OSError:
            return
        self._writers.append(sink)
        ways = [self._copy(self._reader, sink, delayed=True), self._copy(upstream, self._writers[0])]
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _copy(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, delayed: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while True:
                chunk = await source.read(_CHUNK)
                if not chunk and self.mute:  # the server has gone, and the client is not told either
                    await asyncio.Event().wait()
                if not chunk:
                    return
                fault = self._proxy.fault
                if delayed and fault.latency_s:
                    await asyncio.sleep(fault.latency_s)
                if fault.bytes_per_s:
                    await asyncio.sleep(len(chunk) / fault.bytes_per_s)
                if not self.mute:
                    sink.write(chunk)
                    await sink.drain()

    def close(self) -> None:
        for writer in self._writers:
            with suppress(OSError, RuntimeError):
                writer.close()

    def reset(self) -> None:
        for writer in self._writers:
            held = writer.get_extra_info("socket")
            with suppress(OSError):
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()


@contextmanager
def running_proxy(direct: str) -> Iterator[FaultProxy]:
    """A proxy before the server at the URL `direct`, in a thread of its own."""
    parts = urlsplit(direct)
    assert parts.hostname
    assert parts.port
    proxy, ready, stop = FaultProxy(parts.hostname, parts.port), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=proxy.run, args=[ready, stop], daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield proxy
    finally:
        proxy.stop(stop)
        thread.join(10)
