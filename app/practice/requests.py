"""Reading the wire: the JSON of chat and embedding requests, checked, as what the model is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core import images
from app.practice import CONTEXT_TOKENS
from app.practice.asking import CHARACTERS_A_TOKEN, AnswerShape, Ask
from app.practice.checks import parse_object, take, within
from app.practice.errors import Refused
from app.practice.reading import Message
from app.practice.tools import Schema
from app.practice.tuning import Tuned

CHAT_MODEL = "practice-1"
EMBEDDING_MODELS = {"practice-embed-small": 256, "practice-embed-large": 1024}
EMBEDDING_TOKENS = 8_192
MOST_INPUTS = 2_048
MOST_CHOICES = 16
_TOLD_OF_A_PICTURE = 200
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
HANDLED = frozenset(
    {"model", "messages", "tools", "tool_choice", "response_format", "temperature", "seed", "n", "stop"}
    | {"max_tokens", "max_completion_tokens", "stream", "stream_options"}
)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request, and how its answer is to be sent."""

    ask: Ask
    prompt_tokens: int
    model: str
    faults: str
    stream: bool
    include_usage: bool


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to embed."""

    texts: list[str]
    model: str
    faults: str
    dimensions: int
    base64: bool


def _model(body: dict[str, Any], known: Callable[[str], bool]) -> tuple[str, str]:
    """(model, faults after an at-sign)."""
    given = take(body, "model", str, "")
    if not given:
        raise Refused("You must provide a model.", param="model")
    name, _, faults = given.partition("@")
    if not known(name):
        there_are = ", ".join([CHAT_MODEL, *EMBEDDING_MODELS])
        message = f"The model '{name}' does not exist here. The practice provider has {there_are}."
        raise Refused(message, status=404, param="model", code="model_not_found")
    return name, faults


def _text(content: object, pictures: list[str]) -> str:
    """The text of a content that is no plain text; parts are joined by line breaks. What is known of images goes to `pictures`."""
    if content is None:
        return ""
    texts = []
    for given in content if isinstance(content, list) else [None]:
        part = given if isinstance(given, dict) else {}
        kind, text, image = part.get("type"), part.get("text"), part.get("image_url")
        if kind == "text" and isinstance(text, str):
            texts.append(text)
        elif kind == "image_url" and isinstance(image, dict) and isinstance(image.get("url"), str):
            pictures.append(_picture(image["url"]))
        else:
            message = "The practice model reads texts, and counts images that have a URL."
            raise Refused(message, param="messages", code="invalid_value")
    return "\n".join(texts)


def _picture(url: str) -> str:
    """An image in words; as of any provider, an address or whole in a `data:` URL."""
    if images.is_data(url) and images.read_image(url) is None:
        message = "The image is no PNG, JPEG, GIF or WebP in base64."
        raise Refused(message, param="messages", code="invalid_image")
    if not images.is_data(url) and not url.startswith(("https://", "http://")):
        message = "An image needs a URL that begins with https://, http:// or data:image/."
        raise Refused(message, param="messages", code="invalid_image_url")
    return images.told(url)[:_TOLD_OF_A_PICTURE]


def _messages(body: dict[str, Any]) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """(the messages, what is known of the images in them)."""
    given = take(body, "messages", list, [])
    if not given:
        raise Refused("'messages' must hold at least one message.", param="messages")
    read: list[Message] = []
    pictures: list[str] = []
    for message in given:
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in ROLES:
            raise Refused(f"Invalid role in 'messages[{len(read)}]'.", param="messages", code="invalid_value")
        content = message.get("content")
        read.append((role, content if isinstance(content, str) else _text(content, pictures)))
    return tuple(read), tuple(pictures)


def _tools(body: dict[str, Any]) -> tuple[tuple[Schema, ...], bool]:
    """(the functions to choose from, whether one must be called)."""
    functions: list[Schema] = []
    for tool in take(body, "tools", list, []):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Refused("Each tool needs a function with a name.", param="tools", code="invalid_value")
        if not isinstance(function.get("parameters") or {}, dict):
            raise Refused(
                "A function's parameters must be a JSON schema.", param="tools", code="invalid_value"
            )
        functions.append(function)
    choice = body.get("tool_choice") or "auto"
    if choice in ("none", "auto", "required"):
        return (() if choice == "none" else tuple(functions)), choice == "required" and bool(functions)
    wanted = choice.get("function") if isinstance(choice, dict) else None
    named = tuple(f for f in functions if isinstance(wanted, dict) and f["name"] == wanted.get("name"))
    if not named:
        raise Refused("'tool_choice' names no given tool.", param="tool_choice", code="invalid_value")
    return named[:1], True


def _shape(body: dict[str, Any]) -> tuple[AnswerShape, Schema | None]:
    given = take(body, "response_format", dict, {"type": "text"})
    kind = given.get("type")
    if kind in {"text", "json_object"}:
        return kind, None
    held = given.get("json_schema")
    schema = held.get("schema") if isinstance(held, dict) else None
    if kind != "json_schema" or not isinstance(schema, dict):
        raise Refused("'response_format' must be text, json_object or json_schema.", param="response_format")
    return "json_schema", schema


def _stop(body: dict[str, Any]) -> tuple[str, ...]:
    given = body.get("stop") or []
    stops = [given] if isinstance(given, str) else given
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise Refused("'stop' must be a text or a list of texts.", param="stop", code="invalid_type")
    return tuple(stops)


def parse_chat(raw: bytes, tuned: Callable[[str], Tuned | None] = lambda _: None) -> ChatRequest:
    """Read a chat request; raises Refused with what is wrong in it. `tuned` finds a fine-tuned model."""
    body = parse_object(raw)
    model, faults = _model(body, lambda name: name == CHAT_MODEL or tuned(name) is not None)
    tools, forced = _tools(body)
    shape, schema = _shape(body)
    name = "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
    most = take(body, name, int, CONTEXT_TOKENS)
    within(name, most, 1, 1_000_000)
    messages, pictures = _messages(body)
    ask = Ask(
        messages=messages,
        images=pictures,
        tuned=tuned(model),
        tools=tools,
        tool_forced=forced,
        shape=shape,
        schema=schema,
        temperature=float(take(body, "temperature", (int, float), 0)),
        seed=take(body, "seed", int, 0),
        choices=take(body, "n", int, 1),
        stop=_stop(body),
        max_tokens=most,
        ignored=tuple(sorted(name for name in body.keys() - HANDLED if body[name] is not None)),
    )
    within("temperature", ask.temperature, 0, 2)
    within("n", ask.choices, 1, MOST_CHOICES)
    prompt_tokens = ask.count_prompt_tokens()
    if prompt_tokens > CONTEXT_TOKENS:
        message = f"The practice model reads {CONTEXT_TOKENS} tokens; the request holds {prompt_tokens}."
        raise Refused(message, param="messages", code="context_length_exceeded")
    options = take(body, "stream_options", dict, {})
    return ChatRequest(
        ask,
        prompt_tokens,
        model,
        faults,
        take(body, "stream", bool, False),
        bool(options.get("include_usage")),
    )


def parse_embedding(raw: bytes) -> EmbeddingRequest:
    """Read an embedding request; raises Refused with what is wrong in it."""
    body = parse_object(raw)
    model, faults = _model(body, lambda name: name in EMBEDDING_MODELS)
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts) or not texts:
        raise Refused("'input' must be a text or a list of texts, none empty.", param="input")
    within("input", len(texts), 1, MOST_INPUTS)
    if max(map(len, texts)) > EMBEDDING_TOKENS * CHARACTERS_A_TOKEN:
        raise Refused(
            f"An input may hold {EMBEDDING_TOKENS} tokens.", param="input", code="context_length_exceeded"
        )
    dimensions = take(body, "dimensions", int, EMBEDDING_MODELS[model])
    within("dimensions", dimensions, 8, EMBEDDING_MODELS[model])
    encoding = take(body, "encoding_format", str, "float")
    if encoding not in ("float", "base64"):
        raise Refused("'encoding_format' must be float or base64.", param="encoding_format")
    return EmbeddingRequest(texts, model, faults, dimensions, encoding == "base64")
