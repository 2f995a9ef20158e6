"""A forked child: confines itself for good, then reads a request, runs its program, answers, and reads the next.

Usually there is one request: a fresh child knows nothing of the one before it. Where the caller asks for a batch,
what a program left in its globals is there for the next request, which is why a batch is of one program only.
"""

import faulthandler
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from app.sandbox import confinement, frames, seccomp
from app.sandbox.frames import HEAD, NONCE, Answer
from app.sandbox.programs import Failure, evaluate, query, render

PROGRAMS: Mapping[str, Callable[[Mapping[str, Any]], frames.Plain]] = {
    "evaluate": evaluate.run,
    "check": evaluate.check,
    "render": render.run,
    "query": query.run,
    "tables": query.tables,
}
_UNEXPECTED = 70
"""The exit status of a child that could not even say what went wrong (EX_SOFTWARE)."""


_HELD_BACK = 256
"""Characters of a line that is not ended yet."""
_UNREADABLE = Answer(error="The program came to something that cannot be told")


def live(connection: int, parent: int, memory_bytes: int, cpu_s: int, filters: bytes) -> None:
    """Answer requests on the descriptor `connection` until no more come. Never returns."""
    try:
        confinement.die_with_parent(parent)
        confinement.limit(memory_bytes, cpu_s)
        faulthandler.register(
            signal.SIGUSR1, connection, all_threads=False
        )  # asked for the line before it is killed
        seccomp.install(filters)
        incoming = _Incoming(connection)
        while head := incoming.head():
            nonce, sizes = head[:NONCE], frames.lengths(head)
            request = incoming.request(*sizes)
            prints = _Prints(connection, nonce)
            try:
                if request is None:
                    answer = frames.too_large(sum(sizes), memory_bytes, read=True)
                else:
                    answer = _answer(request, memory_bytes >> 20, prints)
                frame = frames.encode(nonce, answer)
            except BaseException:  # noqa: BLE001 - values and errors are of the program's own making
                frame = frames.encode(nonce, _UNREADABLE)
            _send(connection, frame)
        os._exit(0)
    finally:
        os._exit(_UNEXPECTED)


def _answer(request: Mapping[str, Any], memory_mib: int, prints: "_Prints") -> Answer:
    sys.stdout = sys.stderr = prints
    try:
        value = frames.plain(PROGRAMS[request["program"]](request))
    except Failure as failure:
        return Answer(error=failure.message, line=failure.line, prints=prints.rest())
    except MemoryError as error:
        line = evaluate.line_of(error)
        return Answer(
            error=f"The program used more than {memory_mib} MiB of memory", line=line, prints=prints.rest()
        )
    except BaseException as error:  # noqa: BLE001 - whatever it was, there is an answer
        return Answer(error=f"{type(error).__name__}: {error}", prints=prints.rest())
    return Answer(value, prints=prints.rest())


class _Incoming:
    """Requests as they come over the connection."""

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._left = 0
        """Bytes of the request that have not been read."""

    def head(self) -> bytes | None:
        """That of the next request; None where there is none."""
        self._left = HEAD
        head = self._take(HEAD)
        return head if len(head) == HEAD else None

    def request(self, described: int, attached: int) -> dict[str, Any] | None:
        """What is behind the head; None where it does not fit into the memory. All of it is read: another one may follow."""
        self._left = described + attached
        with suppress(MemoryError):
            request: dict[str, Any] = json.loads(self._take(described))  # nothing else holds these bytes
            request["attachment"] = self._take(attached)
            return request
        while self._left and (part := os.read(self._connection, min(self._left, 1 << 16))):
            self._left -= len(part)
        return None

    def _take(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count and (part := os.read(self._connection, min(count, 1 << 20))):
            parts.append(part)
            count -= len(part)
            self._left -= len(part)
        return b"".join(parts)


def _send(connection: int, frame: bytes) -> None:
    left = memoryview(frame)
    while left:
        left = left[os.write(connection, left) :]


class _Prints(io.TextIOBase):
    """What a program prints, up to as much as is kept: sent line by line, for it may be killed before it answers."""

    encoding = "utf-8"

    def __init__(self, connection: int, nonce: bytes) -> None:
        self._connection, self._nonce = connection, nonce
        self._parts: list[str] = []
        self._left = frames.MOST_PRINTS
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        text = str.__str__(text)  # of a class of the program's, it would be cut and counted by the program
        with self._lock:
            if self._left > 0:
                self._parts.append(text[: self._left])
                self._left -= len(text)
                if "\n" in text or self._left <= 0 or sum(map(len, self._parts)) > _HELD_BACK:
                    _send(self._connection, frames.printed(self._nonce, self._taken()))
        return len(text)

    def flush(self) -> None:
        with self._lock:
            if self._parts:
                _send(self._connection, frames.printed(self._nonce, self._taken()))

    def rest(self) -> str:
        """What has not been sent. Nothing is taken any more: an answer is the last that is sent of a request."""
        with self._lock:
            self._left = 0
            return self._taken()

    def _taken(self) -> str:
        taken = "".join(self._parts)
        self._parts.clear()
        return taken
