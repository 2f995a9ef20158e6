"""A request to a child and what comes back of it, over a connection that the child may do anything with."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from app.sandbox import frames
from app.sandbox.frames import Answer, BadAnswer
from app.sandbox.sizes import json_bytes


class Broken(Exception):
    """There is no answer. The problem is `time`, `silence` or `forged`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Bounds(Protocol):
    """What a request may take."""

    @property
    def wall_s(self) -> float: ...
    @property
    def memory_bytes(self) -> int: ...


@dataclass(slots=True)
class Heard:
    """What has come of a request so far; it is there whatever becomes of the child."""

    prints: bytearray = field(default_factory=bytearray)
    rest: bytearray = field(default_factory=bytearray)
    """The answer, or its beginning."""
    total: int = 0
    """Bytes, with the heads of frames: empty ones would cost time for ever."""

    def take(self, nonce: bytes, part: bytes) -> None:
        """Some bytes more.

        Raises:
            BadAnswer: no honest child prints so much.
        """
        self.total += len(part)
        if self.total > frames.MOST_ANSWER:
            raise BadAnswer
        self.rest += part
        self.prints += frames.take_prints(nonce, self.rest)


def ask(
    connection: socket.socket,
    request: Mapping[str, Any],
    attachment: bytes,
    limits: "Bounds",
    heard: Heard,
    *,
    last: bool,
) -> Answer:
    """The answer to a request within the limits. `last`: no other one follows.

    Raises:
        Broken: there is none.
    """
    least = len(attachment) + json_bytes(request, limits.memory_bytes)
    if least > limits.memory_bytes:
        return frames.too_large(least, limits.memory_bytes)
    nonce = os.urandom(frames.NONCE)
    frame = frames.request(nonce, request, attachment)
    if len(frame) > limits.memory_bytes:
        return frames.too_large(len(frame), limits.memory_bytes)
    deadline = time.monotonic() + limits.wall_s
    try:
        connection.settimeout(limits.wall_s)
        with suppress(BrokenPipeError, ConnectionResetError):  # it has ended: what it left is to be read
            connection.sendall(frame)
            if last:
                connection.shutdown(socket.SHUT_WR)
        while not frames.is_whole(nonce, heard.rest):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Broken("time")
            connection.settimeout(left)
            part = connection.recv(1 << 16)
            if not part:
                raise Broken("silence")
            heard.take(nonce, part)
        answer = frames.decode(nonce, bytes(heard.rest))
    except TimeoutError:
        raise Broken("time") from None
    except OSError:
        raise Broken("silence") from None
    except BadAnswer:
        raise Broken("forged") from None
    prints = f"{frames.as_prints(heard.prints)}{answer.prints}"
    return replace(answer, prints=prints[: frames.MOST_PRINTS])


def hear_place(connection: socket.socket, heard: Heard, seconds: float) -> int | None:
    """The line of the program that a child says, which was made to say it; None where it says none in that time."""
    deadline, said = time.monotonic() + seconds, bytearray(heard.rest)
    with suppress(OSError):
        while len(said) < frames.MOST_ANSWER and (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            part = connection.recv(1 << 16)
            said += part
            if not part or frames.place(said):
                break
    return frames.place(said)
