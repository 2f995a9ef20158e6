"""A provider that answers as it is told, over real HTTP, and a client of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from app.providers.answers import Answer, ProviderError
from app.providers.client import Endpoint, ModelClient
from tests.asynchronous import run as run_coroutine

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
GOOD = {
    "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "model": "m",
}


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
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        await reader.readexactly(length)
        self.asked.append(time.monotonic())
        writer.write(self.replies[min(len(self.asked), len(self.replies)) - 1])
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def calling(*replies: bytes, key: str = "key") -> AsyncIterator[tuple[ModelClient, Provider]]:
    provider = Provider(list(replies))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    client = ModelClient(Endpoint("p", "acme", f"http://127.0.0.1:{provider.port}/v1", key))
    try:
        yield client, provider
    finally:
        await client.aclose()
        server.close()
        await server.wait_closed()


def chat(*replies: bytes, key: str = "key") -> tuple[Answer | ProviderError, Provider]:
    """What a client has of a provider that gives these replies, and the provider."""

    async def run() -> tuple[Answer | ProviderError, Provider]:
        async with calling(*replies, key=key) as (client, provider):
            try:
                return await client.chat(BODY), provider
            except ProviderError as error:
                return error, provider

    return run_coroutine(run())
