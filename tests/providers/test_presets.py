"""Each provider gets requests as it takes them, over real HTTP; what nobody else does is nobody else's business."""

import json
from typing import Any

import pytest

from app.providers.client import Endpoint, ModelClient
from app.providers.presets import BY_KEY, PRESETS, dialect_of
from tests.asynchronous import run as run_coroutine
from tests.recording import Recorder, recording

SCHEMA = {"type": "json_schema", "json_schema": {"name": "v", "schema": {"type": "object"}}}
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi", "name": "ada"}],
    "max_tokens": 5,
    "seed": 7,
    "temperature": 1.5,
    "frequency_penalty": 0.5,
    "response_format": SCHEMA,
    "logit_bias": {"1": 1},
    "reasoning_effort": "low",
}


def sent(preset: str, *, stream: bool = False) -> Recorder:
    """What a provider of this preset is sent for `BODY`, and for its list of models."""

    async def run() -> Recorder:
        async with recording() as provider:
            client = ModelClient(Endpoint("p", "acme", provider.url, "key-of-acme", preset=preset))
            if stream:
                async for _ in client.stream(BODY):
                    pass
            else:
                await client.chat(BODY)
            provider.models = ["models/b", "models/a"] if preset == "gemini" else ["b", "a"]
            assert await client.list_models() == ["a", "b"]
            await client.aclose()
            return provider

    return run_coroutine(run())


@pytest.mark.parametrize("preset", list(BY_KEY))
def test_every_preset_answers_and_is_sent_its_key(preset: str) -> None:
    provider = sent(preset)
    headers, body = provider.asked[0]
    assert headers["authorization"] == "Bearer key-of-acme"
    assert body["model"] == "m"
    assert body["messages"][-1]["content"] == "hi"


def test_openai_takes_the_newer_limit_and_all_else_as_it_is() -> None:
    for preset in ("openai", "azure"):
        _, body = sent(preset).asked[0]
        assert body.pop("max_completion_tokens") == 5
        assert body == {name: value for name, value in BODY.items() if name != "max_tokens"}


def test_anthropic_gets_its_headers_no_penalties_and_a_bounded_temperature() -> None:
    headers, body = sent("anthropic").asked[0]
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("key-of-acme", "2023-06-01")
    assert body["temperature"] == 1.0
    assert not {"seed", "frequency_penalty"} & body.keys()
    assert body["response_format"] == {"type": "json_object"}
    assert (
        json.dumps(SCHEMA["json_schema"]["schema"], separators=(",", ":")) in body["messages"][0]["content"]
    )


def test_mistral_has_its_own_seed_and_is_not_asked_for_the_usage_of_a_stream() -> None:
    _, body = sent("mistral", stream=True).asked[0]
    assert body["random_seed"] == 7
    assert not {"seed", "stream_options", "reasoning_effort"} & body.keys()
    assert "name" not in body["messages"][0]


def test_groq_and_gemini_get_no_names_in_messages() -> None:
    for preset in ("groq", "gemini"):
        _, body = sent(preset, stream=True).asked[0]
        assert "name" not in body["messages"][0]
        assert body["stream_options"] == {"include_usage": True}
    assert "logit_bias" not in sent("groq").asked[0][1]


def test_local_servers_get_the_plain_protocol() -> None:
    for preset in ("ollama", "vllm", "lmstudio"):
        assert sent(preset).asked[0][1] == BODY


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset.base_url.startswith("https")])
def test_a_provider_is_recognised_by_its_host(preset) -> None:
    assert dialect_of(None, preset.base_url) is preset.dialect


@pytest.mark.parametrize(
    ("url", "preset"),
    [
        ("https://acme.openai.azure.com/openai/v1", "azure"),
        ("https://api.openai.com.evil.example/v1", None),
        ("https://evilapi.groq.com/v1", None),
        ("http://10.0.0.1/v1", None),
    ],
)
def test_only_the_very_host_counts(url: str, preset: str | None) -> None:
    plain = dialect_of(None, "http://elsewhere.example")
    assert dialect_of(None, url) is (BY_KEY[preset].dialect if preset else plain)
