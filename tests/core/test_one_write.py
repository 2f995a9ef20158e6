"""Answers leave in one piece, and no part of one waits for the next."""

import asyncio
import socket
from urllib.parse import urlsplit

from sqlalchemy import Engine

from app.commands.one_write import _Joining
from tests.asynchronous import run
from tests.web_process import running_web


class Written:
    """A connection, as far as a test looks at it."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.closed_after: int | None = None
        self.is_gone = False

    def is_closing(self) -> bool:
        return self.is_gone

    def write(self, data: bytes) -> None:
        self.parts.append(data)

    def close(self) -> None:
        self.closed_after = len(self.parts)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


async def _after(*steps: bytes | None) -> list[bytes]:
    written = Written()
    joining = _Joining(written)  # type: ignore[arg-type]
    for step in steps:
        if step is None:
            await asyncio.sleep(0)
        else:
            joining.write(step)
    joining.close()
    assert written.closed_after == len(written.parts)
    return written.parts


def test_a_head_leaves_with_its_body_or_at_the_end_of_the_turn() -> None:
    assert run(_after(HEAD, b"ok")) == [HEAD + b"ok"]
    assert run(_after(HEAD, b"", b"ok")) == [HEAD, b"ok"]
    assert run(_after(HEAD, None, b"ok")) == [HEAD, b"ok"]
    assert run(_after(HEAD)) == [HEAD]
    assert run(_after(HEAD, b"ok", HEAD, b"ok", b"more")) == [HEAD + b"ok", HEAD + b"ok", b"more"]
    assert run(_after(HEAD, HEAD, b"ok")) == [HEAD + HEAD, b"ok"]


def test_nothing_is_written_to_a_caller_who_has_gone() -> None:
    async def scene() -> list[bytes]:
        written = Written()
        joining = _Joining(written)  # type: ignore[arg-type]
        joining.write(HEAD)
        written.is_gone = True
        await asyncio.sleep(0)
        joining.close()
        return written.parts

    assert run(scene()) == []


def test_the_server_answers_in_one_piece(database: Engine, redis_url: str) -> None:
    with running_web() as web:
        address = urlsplit(web.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
            for _ in range(3):
                connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
                answer = connection.recv(65_536)
                head, _, body = answer.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK")
                assert body
