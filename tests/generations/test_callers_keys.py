"""Calls with keys that came along: which calls share a rate."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis
from sqlalchemy import Engine

from app.core.database import unit_of_work
from app.providers import callers_keys
from app.providers.answers import ProviderError
from app.providers.client import Endpoint, limited_client
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.providers.scripted import calling, reply

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _endpoint(team: factories.Team, key: str) -> Endpoint:
    with unit_of_work() as session:
        found = callers_keys.endpoint_with(session, team.workspace.id, "openai", "m", {"openai": key})
    assert found
    return found


def test_a_key_that_is_refused_slows_down_nobody_else(database: Engine, redis_url: str) -> None:
    """Whoever has a key of a well-known provider in one workspace is not cut by the 429s of another."""
    with unit_of_work() as session:
        mine, others = factories.team(session), factories.team(session)
    busy = reply(429, {"error": {"message": "slow down"}})

    async def cut(*endpoints: Endpoint) -> int:
        """How many rates are cut after a 429 to each of the endpoints."""
        async with Redis.from_url(redis_url) as redis, calling(busy) as (_, provider):
            await redis.flushdb()
            for endpoint in endpoints:
                here = replace(endpoint, base_url=f"http://127.0.0.1:{provider.port}/v1")
                client = limited_client(redis, here, patience_s=1.1)  # the first wait is a second at most
                with pytest.raises(ProviderError):
                    await client.chat(BODY)
                await client.aclose()
            return len(
                [key async for key in redis.scan_iter("whetstone:rate:*") if await redis.hexists(key, "cut")]
            )

    first = _endpoint(mine, "sk-one")
    assert run_coroutine(cut(first, _endpoint(mine, "sk-one"))) == 1
    assert run_coroutine(cut(first, _endpoint(mine, "sk-two"))) == 2
    assert run_coroutine(cut(first, _endpoint(others, "sk-one"))) == 2
    assert "sk-one" not in (first.rate_of or "")
