"""What a draft weighs before it runs: about how many tokens each input and all of it are, of how many the model takes, and
what sending them costs. Estimates: the provider counts otherwise, and its answer comes on top."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.template import VARIABLE
from app.generations.draft import Draft
from app.generations.message_parts import CARRIED, TEXT, parts_of
from app.providers.client import OF_A_PICTURE, asked_characters
from app.providers.limits import estimated_tokens
from app.providers.models import Provider
from app.providers.prices import Price
from app.providers.service import named_or_meant, price_on, window_on

SAID_FROM = 1_000
"""Tokens from which an input's share and cost are told, too: of a short one they say nothing."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Weight:
    """Of one input, or of all that is sent."""

    tokens: int
    share: float | None = None
    """Of what the model takes; None where nobody knows how much that is."""
    cost: float | None = None
    """Dollars for sending it; None where nobody knows the price."""

    @property
    def is_long(self) -> bool:
        """Whether its share and cost are worth a word."""
        return self.tokens >= SAID_FROM


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a draft with its inputs."""

    inputs: Mapping[str, Weight]
    whole: Weight
    model: str
    window: int | None
    """Tokens that the model takes."""
    per_million: tuple[float, float] | None
    """Dollars for a million tokens sent, and for a million answered; None where that is no plain rate, or not known."""

    @property
    def is_too_long(self) -> bool:
        """Whether the model cannot take all of it."""
        return self.window is not None and self.whole.tokens > self.window


def weigh(
    draft: Draft, providers: Sequence[Provider], conversation: Sequence[Mapping[str, Any]] = ()
) -> Weights:
    """The draft with what it includes and its inputs as they stand, and the conversation that follows it, on the provider that it would be sent to."""
    model = draft.values.get("model", "").strip()
    provider = named_or_meant(providers, draft.values.get("provider") or None, model) if model else None
    price = price_on(provider, model) if provider else None
    window = window_on(provider, model) if provider else None
    uses = _uses(draft.full_messages)
    pictured = set(draft.image_inputs)
    characters = asked_characters({"messages": [*draft.full_messages, *conversation]})
    characters += sum(len(draft.values.get(name, "")) for name in ("tools", "json_schema"))
    inputs = {}
    for name in draft.variables:
        text = draft.inputs.get(name, "")
        if name in pictured:
            inputs[name] = _weight(OF_A_PICTURE if text else 0, price, window)
        else:
            inputs[name] = _weight(len(text), price, window)
        # In place of `{{name}}`; in Jinja a name may stand in an expression, and is taken to be written once.
        times = max(uses[name], 0 if name in pictured else 1)
        characters += (len(text) - len(name) - 4) * times
    return Weights(inputs, _weight(max(0, characters), price, window), model, window, _per_million(price))


def _per_million(price: Price | None) -> tuple[float, float] | None:
    if price is None or price.prompt_rate is None or price.output_rate is None:
        return None
    return float(price.prompt_rate * _MILLION), float(price.output_rate * _MILLION)


def _weight(characters: int, price: Price | None, window: int | None) -> Weight:
    tokens = estimated_tokens(characters)
    return Weight(
        tokens,
        tokens / window if window else None,
        float(price.of(tokens, 0).prompt) if price else None,
    )


def _uses(messages: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """How often each variable stands in a text; in the URL of an image it adds nothing."""
    texts = []
    for message in messages:
        content = message.get("content")
        texts += [content] if isinstance(content, str) else []
        texts += [part.text for part in parts_of(message) if part.kind in (TEXT, CARRIED)]
    return Counter(found for text in texts for found in VARIABLE.findall(text))
