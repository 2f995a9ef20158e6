"""What is known of the providers that people use: their addresses, and how each departs from the OpenAI protocol.

A dialect changes a request on its way out and reads what only that provider says; nothing else in the application
knows one provider from another.
"""

import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

_LEAST_BUDGET = 1024
_LEAST_TOP_P = 0.95
_ANSWER_TOKENS = 4096
"""For the answer after thinking, where a prompt sets no limit."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider departs from the protocol."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    """What it calls a parameter."""
    unknown: frozenset[str] = frozenset()
    """Parameters that it refuses a request for; they are left out."""
    message_names: bool = True
    """Whether a message may carry `name`."""
    stream_usage: bool = True
    """Whether it must be asked for the usage of a stream; the others send it anyway, and refuse to be asked."""
    hottest: float | None = None
    """The largest temperature it takes."""
    json_schema: bool = True
    """Whether it takes a JSON schema; where not, it is asked for a JSON object, with the schema in the instructions."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request; `{key}` stands for the key."""
    model_prefix: str = ""
    """What stands before the names in its list of models."""
    thinking_budget: bool = False
    """Whether it takes a number of tokens to think in, beside the words for an effort."""

    def refuses_effort(self, effort: object) -> str | None:
        """Why a prompt's `reasoning_effort` cannot be asked of this provider; None where it can."""
        if not isinstance(effort, int):
            return None
        if not self.thinking_budget:
            return "This provider takes no number of tokens to think in. Say high, medium or low, or what it knows in `other`."
        if 0 < effort < _LEAST_BUDGET:
            return f"A budget to think in has {_LEAST_BUDGET:,} tokens or more; 0 is none."
        return None

    def request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body`, a request of the OpenAI protocol, as this provider takes it."""
        out = {
            self.renamed.get(name, name): value for name, value in body.items() if name not in self.unknown
        }
        if not self.message_names:
            out["messages"] = [_without_name(message) for message in body["messages"]]
        if self.hottest is not None and isinstance(body.get("temperature"), int | float):
            out["temperature"] = min(body["temperature"], self.hottest)
        if not self.json_schema:
            _ask_for_json(out)
        if self.thinking_budget:
            _think(out)
        return out

    def headers_for(self, key: str) -> dict[str, str]:
        """The headers beside the usual ones."""
        return {name: value.format(key=key) for name, value in self.headers.items()}

    def model_names(self, listed: Sequence[str]) -> list[str]:
        """The names that requests use, sorted."""
        return sorted(name.removeprefix(self.model_prefix) for name in listed)


def _without_name(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "name"}


def _ask_for_json(body: dict[str, Any]) -> None:
    """Put a JSON schema into the instructions, for providers that do not hold an answer to one."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return
    schema = (wanted.get("json_schema") or {}).get("schema")
    body["response_format"] = {"type": "json_object"}
    asked = f"Answer with one JSON object that follows this schema: {orjson.dumps(schema).decode()}"
    body["messages"] = [{"role": "system", "content": asked}, *body["messages"]]


def _think(body: dict[str, Any]) -> None:
    """Ask for thinking, where an effort is a number of tokens. The limit of tokens holds thinking and answer: one that is not
    above the budget becomes the answer's own. While it thinks, the model takes no temperature, and no `top_p` below 0.95."""
    budget = body.get("reasoning_effort")
    if not isinstance(budget, int):
        return
    del body["reasoning_effort"]
    if not budget or "thinking" in body:
        return
    body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    most = body.get("max_tokens", 0)
    body["max_tokens"] = most if most > budget else budget + (most or _ANSWER_TOKENS)
    body.pop("temperature", None)
    if body.get("top_p", 1) < _LEAST_TOP_P:
        del body["top_p"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider as people choose it from a list."""

    key: str
    title: str
    base_url: str
    """Empty where each customer has an own one."""
    hint: str = ""
    """What to fill in, or where it listens."""
    needs_key: bool = True
    dialect: Dialect = field(default_factory=Dialect)
    models: tuple[str, ...] = ()
    """How the names of its own models begin."""
    hosts: tuple[str, ...] = ()
    """Hosts, and ends of hosts that begin with a dot, by which it is recognised."""


_NEWER_LIMIT = {"max_tokens": "max_completion_tokens"}
"""OpenAI's newer models refuse the old name, and its older ones take the new."""
PRESETS: Sequence[Preset] = (
    Preset(
        "openai", "OpenAI", "https://api.openai.com/v1",
        dialect=Dialect(renamed=_NEWER_LIMIT), hosts=("api.openai.com",),
        models=("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "ft:gpt-"),
    ),
    Preset(
        "azure", "Azure OpenAI", "",
        hint="Its address is https://RESOURCE.openai.azure.com/openai/v1; models are the names of your deployments.",
        dialect=Dialect(renamed=_NEWER_LIMIT),
        hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
    ),
    Preset(
        "anthropic", "Anthropic", "https://api.anthropic.com/v1",
        hint="Through its OpenAI-compatible endpoint: seeds and penalties have no effect there.",
        # Its list of models is its own API, which asks for its own headers.
        dialect=Dialect(
            unknown=frozenset({"seed", "frequency_penalty", "presence_penalty"}), hottest=1.0, json_schema=False,
            thinking_budget=True,
            headers={"x-api-key": "{key}", "anthropic-version": "2023-06-01"},
        ),
        hosts=("api.anthropic.com",), models=("claude",),
    ),
    Preset(
        "gemini", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai",
        dialect=Dialect(unknown=frozenset({"seed"}), message_names=False, model_prefix="models/"),
        hosts=("generativelanguage.googleapis.com",), models=("gemini",),
    ),
    Preset(
        "mistral", "Mistral", "https://api.mistral.ai/v1",
        dialect=Dialect(
            renamed={"seed": "random_seed"}, unknown=frozenset({"reasoning_effort"}),
            message_names=False, stream_usage=False,
        ),
        hosts=("api.mistral.ai",),
        models=("mistral", "ministral", "magistral", "codestral", "pixtral", "open-mistral", "open-mixtral"),
    ),
    Preset(
        "groq", "Groq", "https://api.groq.com/openai/v1",
        dialect=Dialect(unknown=frozenset({"logprobs", "logit_bias", "top_logprobs"}), message_names=False),
        hosts=("api.groq.com",),
    ),
    Preset(
        "deepseek", "DeepSeek", "https://api.deepseek.com/v1",
        dialect=Dialect(unknown=frozenset({"seed"}), json_schema=False), hosts=("api.deepseek.com",),
        models=("deepseek",),
    ),
    Preset(
        "cohere", "Cohere", "https://api.cohere.ai/compatibility/v1",
        hint="Through its OpenAI-compatible endpoint: a choice of tools has no effect there.",
        dialect=Dialect(
            unknown=frozenset({"tool_choice", "logit_bias", "logprobs", "top_logprobs"}), message_names=False,
        ),
        hosts=("api.cohere.ai", "api.cohere.com"), models=("command", "c4ai-"),
    ),
    Preset(
        "openrouter", "OpenRouter", "https://openrouter.ai/api/v1",
        dialect=Dialect(headers={"x-title": "Whetstone"}), hosts=("openrouter.ai",),
    ),
    Preset(
        "ollama", "Ollama", "http://127.0.0.1:11434/v1", needs_key=False,
        hint="On this machine: allow it by WHETSTONE_PRIVATE_HOSTS=127.0.0.1:11434",
    ),
    Preset(
        "vllm", "vLLM", "http://127.0.0.1:8080/v1", needs_key=False,
        hint="On your own network: allow its host by WHETSTONE_PRIVATE_HOSTS",
    ),
    Preset(
        "lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", needs_key=False,
        hint="On this machine: allow it by WHETSTONE_PRIVATE_HOSTS=127.0.0.1:1234",
    ),
)  # fmt: skip
BY_KEY: Mapping[str, Preset] = {preset.key: preset for preset in PRESETS}
_PLAIN = Dialect()


def maker_of(model: str) -> str | None:
    """The key of the preset whose own models are called like this; None where nobody's are."""
    return next((preset.key for preset in PRESETS if preset.models and model.startswith(preset.models)), None)


def dialect_of(preset: str | None, base_url: str) -> Dialect:
    """How the provider at `base_url` departs from the protocol: as chosen, else as its host tells, else not at all."""
    if preset and preset in BY_KEY:
        return BY_KEY[preset].dialect
    host = urllib.parse.urlsplit(base_url).hostname or ""
    for each in PRESETS:
        if any(host == known or (known[0] == "." and host.endswith(known)) for known in each.hosts):
            return each.dialect
    return _PLAIN
