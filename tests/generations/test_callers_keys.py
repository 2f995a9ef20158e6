"""Calls with keys that came along: where they go, and which calls share a rate."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from redis.asyncio import Redis
from sqlalchemy import Engine

from app.core.database import unit_of_work
from app.providers import callers_keys
from app.providers.answers import ProviderError
from app.providers.client import Endpoint, limited_client
from app.providers.service import ProviderChange, create_provider
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.generations.calls import CALL_URL
from tests.generations.model_server import ModelServer
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


def _prompt(provider: str | None, model: str = "gpt-4o") -> dict[str, Any]:
    template = [{"role": "user", "content": "hi"}]
    return {"path": "own", "prompt": {"model": model, "provider": provider, "template": template}}


def _refusal(client: TestClient, provider: str, **keys: str) -> str:
    answer = client.post(CALL_URL, json=_prompt(provider) | {"provider_api_keys": keys})
    assert answer.status_code == 422, answer.text
    [wrong] = answer.json()["detail"]
    assert wrong["loc"] == ["body", "provider_api_keys"]
    return str(wrong["msg"])


@pytest.mark.parametrize("provider", ["openai_azure", "azure"])
def test_azure_is_called_at_the_endpoint_that_comes_with_the_key(
    caller: TestClient, committed_team: factories.Team, model: ModelServer, provider: str
) -> None:
    host = model.url.removesuffix("/v1")
    for url in (f"{host}/", f"{host}/openai/v1"):
        keys = {"openai_azure": "sk-mine", "openai_azure_endpoint": url}
        answer = caller.post(CALL_URL, json=_prompt(provider) | {"provider_api_keys": keys})
        assert answer.status_code == 200, answer.text
    with unit_of_work() as session:  # a stored key never goes to the caller's address
        change = ProviderChange(
            name=provider, preset="azure", base_url="http://127.0.0.1:9/v1", api_key="stored-1234567"
        )
        create_provider(session, committed_team.admin, change)
    answer = caller.post(CALL_URL, json=_prompt(provider) | {"provider_api_keys": keys})
    assert answer.status_code == 200, answer.text
    assert model.paths == ["/openai/v1/chat/completions"] * 3
    assert {headers["authorization"] for headers, _ in model.asked} == {"Bearer sk-mine"}
    said = _refusal(caller, provider, openai_azure_endpoint=host)
    assert "without its key" in said


def test_an_endpoint_within_the_servers_network_is_refused(caller: TestClient) -> None:
    said = _refusal(caller, "openai_azure", openai_azure="sk", openai_azure_endpoint="http://10.0.0.1")
    assert "10.0.0.1" in said
    assert "openai_azure_endpoint" in _refusal(caller, "openai_azure", openai_azure="sk")


@pytest.mark.parametrize("provider", ["bedrock", "replicate", "ai21"])
def test_what_a_key_alone_cannot_reach_says_so(caller: TestClient, provider: str) -> None:
    said = _refusal(caller, provider, **{provider: "sk"})
    assert said.startswith(f"`{provider}` cannot be called by a key alone")


@pytest.mark.parametrize(
    ("provider", "model", "key", "host"),
    [
        ("cohere", "command-a", "cohere", "api.cohere.ai"),
        ("google", "gemini-2.5-pro", "google", "generativelanguage.googleapis.com"),
        ("mistral", "mistral-large", "mistral", "api.mistral.ai"),
        ("groq", "llama-3.3", "groq", "api.groq.com"),
        ("deepseek", "deepseek-chat", "deepseek", "api.deepseek.com"),
        (None, "claude-sonnet-4-5", "anthropic", "api.anthropic.com"),
    ],
)
def test_well_known_providers_need_not_be_set_up(
    committed_team: factories.Team, provider: str | None, model: str, key: str, host: str
) -> None:
    with unit_of_work() as session:
        create_provider(
            session, committed_team.admin, ProviderChange(name="openai", api_key="stored-1234567")
        )
        found = callers_keys.endpoint_with(
            session, committed_team.workspace.id, provider, model, {key: "sk-mine"}
        )
        none = callers_keys.endpoint_with(
            session, committed_team.workspace.id, provider, model, {"other": "sk-mine"}
        )
    assert found is not None
    assert (urlsplit(found.base_url).hostname, found.api_key, none) == (host, "sk-mine", None)
