"""A provider that answers as it is told, over real HTTP, and a client of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.providers.client import Endpoint, ModelClient


def reply(status: int, body: bytes | dict, kind: str = "application/json", **headers: str) -> bytes:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    lines = [
        f"HTTP/1.1 {status} X",
        f"content-type: {kind}",
        f"content-length: {len(data)}",
        "connection: close",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


@dataclass
class Provider:
    """Gives its replies one after another, the last one for ever."""

    replies: list[bytes]
    port: int = 0
    asked: list[float] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        self.asked.append(time.monotonic())
        writer.write(self.replies[min(len(self.asked), len(self.replies)) - 1])
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def calling(*replies: bytes) -> AsyncIterator[tuple[ModelClient, Provider]]:
    provider = Provider(list(replies))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    client = ModelClient(Endpoint("p", "acme", f"http://127.0.0.1:{provider.port}/v1", "key"))
    try:
        yield client, provider
    finally:
        await client.aclose()
        server.close()
        await server.wait_closed()
