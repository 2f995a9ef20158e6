"""A provider that answers everything and remembers what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_CHUNKS = (
    {"choices": [{"delta": {"content": "hello"}}]},
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
)
_WHOLE = {"choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}


@dataclass
class Recorder:
    """What arrived, first to last: headers in lower case, and the body."""

    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if head[0].startswith("GET"):
            kind, answer = "application/json", json.dumps({"data": [{"id": name} for name in self.models]})
        else:
            request = json.loads(body)
            self.asked.append((headers, request))
            kind, answer = _answer(stream=request.get("stream", False))
        writer.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(answer)}\r\n"
            f"connection: close\r\n\r\n{answer}".encode()
        )
        await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _answer(*, stream: bool) -> tuple[str, str]:
    if not stream:
        return "application/json", json.dumps(_WHOLE)
    return "text/event-stream", "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in _CHUNKS)


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """A recording provider on a free port of loopback."""
    recorder = Recorder()
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield recorder
    finally:
        server.close()
        await server.wait_closed()
