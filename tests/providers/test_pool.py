"""Clients that calls share: connections are used again, settings hold at once, and no call loses its client."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.providers.client import Endpoint
from app.providers.pool import ClientPool, close_pool, pool
from tests.asynchronous import run
from tests.fault_provider import FaultProvider, running_fault_provider


@dataclass
class Counting(FaultProvider):
    """A provider that counts the connections that were made to it."""

    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await super().serve(reader, writer)


@pytest.fixture
def provider(redis_url: str) -> Iterator[Counting]:
    with running_fault_provider(Counting()) as provider:
        assert isinstance(provider, Counting)
        yield provider


@asynccontextmanager
async def _pool() -> AsyncIterator[ClientPool]:
    try:
        yield pool()
    finally:
        await close_pool()


def _said(text: str = "hello") -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


async def _ask(clients: ClientPool, endpoint: Endpoint, text: str = "hello", **options: Any) -> str | None:
    async with clients.client(endpoint, **options) as client:
        return (await client.chat(_said(text))).content


def test_calls_share_a_connection_and_those_with_a_key_of_their_own_do_not(provider: Counting) -> None:
    endpoint = Endpoint("prov_1", "fake", provider.url, "key")

    async def ask() -> list[int]:
        seen = []
        async with _pool() as shared:
            for options in ({}, {}, {"shared": False}, {"shared": False}, {}):
                assert await _ask(shared, endpoint, **options) == "fine"
                seen.append(provider.connections)
        return seen

    assert run(ask()) == [1, 1, 2, 3, 3]


def test_changed_settings_hold_at_once_and_a_call_under_way_keeps_its_client(provider: Counting) -> None:
    before = Endpoint("prov_1", "fake", provider.url, "key")

    async def ask() -> tuple[str | None, str]:
        async with _pool() as shared, shared.client(before) as old:
            changed = replace(before, api_key="another")
            async with shared.client(changed) as new:
                key = new.endpoint.api_key
            return (await old.chat(_said())).content, key

    assert run(ask()) == ("fine", "another")


def test_those_used_longest_ago_go_first(provider: Counting) -> None:
    async def ask() -> int:
        async with _pool() as shared:
            for number in range(70):
                await _ask(shared, Endpoint(f"prov_{number}", "fake", provider.url, "key"))
            made = provider.connections
            await _ask(shared, Endpoint("prov_69", "fake", provider.url, "key"))
            assert provider.connections == made
            await _ask(shared, Endpoint("prov_0", "fake", provider.url, "key"))
            return provider.connections - made

    assert run(ask()) == 1


def test_a_stream_that_is_left_gives_its_connection_back(provider: Counting) -> None:
    endpoint = Endpoint("prov_1", "fake", provider.url, "key", concurrency=1)

    async def ask() -> str | None:
        async with _pool() as shared:
            async with shared.client(endpoint) as client:
                parts = client.stream(_said("FAULT<streams for ever>"))
                assert await anext(parts) == "on and "
                await parts.aclose()
            return await asyncio.wait_for(_ask(shared, endpoint), 10)

    assert run(ask()) == "fine"
