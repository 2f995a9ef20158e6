"""A prompt's `reasoning_effort` that is a number of tokens, as providers are asked for it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.providers.service import ProviderChange, create_provider
from tests import factories
from tests.generations.calls import CALL_URL
from tests.generations.model_server import ModelServer


@pytest.fixture
def providers(caller: TestClient, committed_team: factories.Team, model: ModelServer) -> TestClient:
    with unit_of_work() as session:
        for preset in ("anthropic", "openai", "mistral"):
            change = ProviderChange(name=preset, preset=preset, base_url=model.url, api_key="a-key-123456")
            create_provider(session, committed_team.admin, change)
    return caller


def _call(client: TestClient, provider: str, **spec: Any) -> Any:
    template = [{"role": "user", "content": "hi"}]
    prompt = {"model": "m", "provider": provider, "template": template, **spec}
    return client.post(CALL_URL, json={"path": "thinks", "prompt": prompt})


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"max_tokens": 8000}, {"max_tokens": 8000}),
        ({"max_tokens": 2000}, {"max_tokens": 4000}),
        ({"temperature": 0.2, "top_p": 0.5}, {"max_tokens": 6096}),
        ({"top_p": 0.97}, {"max_tokens": 6096, "top_p": 0.97}),
    ],
)
def test_anthropic_gets_it_as_its_budget(
    providers: TestClient, model: ModelServer, said: dict[str, Any], sent: dict[str, Any]
) -> None:
    answer = _call(providers, "anthropic", reasoning_effort=2000, **said)
    assert answer.status_code == 200, answer.text
    assert answer.json()["prompt"]["reasoning_effort"] == 2000
    [body] = model.bodies
    del body["messages"]
    assert body == {"model": "m", "thinking": {"type": "enabled", "budget_tokens": 2000}, **sent}


def test_none_is_no_thinking_and_a_word_is_sent_as_it_is(providers: TestClient, model: ModelServer) -> None:
    assert _call(providers, "anthropic", reasoning_effort=0, temperature=0.2).status_code == 200
    assert _call(providers, "anthropic", reasoning_effort="low").status_code == 200
    assert [{"thinking", "reasoning_effort", "temperature"} & body.keys() for body in model.bodies] == [
        {"temperature"},
        {"reasoning_effort"},
    ]


@pytest.mark.parametrize("provider", ["openai", "mistral", "fake"])
def test_others_are_not_asked(providers: TestClient, model: ModelServer, provider: str) -> None:
    answer = _call(providers, provider, reasoning_effort=2000)
    assert answer.status_code == 422, answer.text
    [wrong] = answer.json()["detail"]
    assert wrong["loc"][-1] == "reasoning_effort"
    assert "no number of tokens" in wrong["msg"]
    assert model.asked == []


def test_a_budget_that_is_too_small_is_refused(providers: TestClient, model: ModelServer) -> None:
    answer = _call(providers, "anthropic", reasoning_effort=1000)
    assert (answer.status_code, "1,024" in answer.text, model.asked) == (422, True, [])
