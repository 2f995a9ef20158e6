"""What the model is asked and what it answers, free of the wire format."""

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from app.practice.reading import Message
from app.practice.tools import Call, Schema
from app.practice.tuning import Tuned

CHARACTERS_A_TOKEN = 4
TOKENS_AN_IMAGE = 1_000
"""About what models of today count one as."""

AnswerShape = Literal["text", "json_object", "json_schema"]
Finish = Literal["stop", "length", "tool_calls"]


def count_tokens(characters: int) -> int:
    """The practice model's tokens are four characters each; a part of one counts."""
    return -(-characters // CHARACTERS_A_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A chat request after validation."""

    messages: tuple[Message, ...]
    images: tuple[str, ...] = ()
    """What is known of each image in them, in words: it cannot be looked at."""
    tools: tuple[Schema, ...] = ()
    tool_forced: bool = False
    shape: AnswerShape = "text"
    schema: Schema | None = None
    temperature: float = 0.0
    """0 unless the request says otherwise, so that an answer does not vary unasked."""
    seed: int = 0
    choices: int = 1
    stop: tuple[str, ...] = ()
    max_tokens: int = 1_000_000
    tuned: Tuned | None = None
    """What the model learned from a training file, if that was asked for."""
    ignored: tuple[str, ...] = ()
    """Parameters of the request that the practice model does not know."""

    @property
    def form_characters(self) -> int:
        """The length of tools and schema."""
        return len(orjson.dumps([self.tools, self.schema])) if self.tools or self.schema else 0

    def count_prompt_tokens(self) -> int:
        """The tokens of messages, tools and schema, and four for each message's frame."""
        characters = sum([len(text) for _, text in self.messages]) + self.form_characters
        return count_tokens(characters) + 4 * len(self.messages) + TOKENS_AN_IMAGE * len(self.images)


@dataclass(frozen=True, slots=True)
class Reply:
    """One choice: text, or a tool call."""

    text: str | None
    call: Call | None
    finish: Finish
    task: str

    @property
    def tokens(self) -> int:
        return count_tokens(len(self.text or "") + (len(self.call.arguments) if self.call else 0))


@dataclass(frozen=True, slots=True)
class Completion:
    """The replies, and what the model read from the prompt (`x_practice`)."""

    replies: tuple[Reply, ...]
    seen: dict[str, Any] = field(hash=False)

    @property
    def tokens(self) -> int:
        return sum(reply.tokens for reply in self.replies)
