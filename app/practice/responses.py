"""Writing the wire: completions, their chunks, embeddings and the list of models, in OpenAI's shapes."""

import base64
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from app.practice import NOTE
from app.practice.asking import Completion, Reply, count_tokens
from app.practice.embedding import embed
from app.practice.requests import CHAT_MODEL, EMBEDDING_MODELS, ChatRequest, EmbeddingRequest

PIECE = re.compile(r"\S+\s*|\s+")
DONE = b"data: [DONE]\n\n"


def _usage(request: ChatRequest, completion: Completion) -> dict[str, int]:
    asked, answered = request.prompt_tokens, completion.tokens
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _head(request: ChatRequest, kind: str) -> dict[str, Any]:
    made = {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": kind, "created": int(time.time())}
    return {**made, "model": request.model, "system_fingerprint": NOTE}


def _call(reply: Reply, arguments: str) -> list[dict[str, Any]]:
    name = reply.call.name if reply.call else ""
    function = {"name": name, "arguments": arguments}
    return [{"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}]


def completion_body(request: ChatRequest, completion: Completion) -> bytes:
    """The whole answer; `x_practice` says what was read from the prompt."""
    choices = []
    for number, reply in enumerate(completion.replies):
        message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
        if reply.call:
            message["tool_calls"] = _call(reply, reply.call.arguments)
        choices.append({"index": number, "message": message, "logprobs": None, "finish_reason": reply.finish})
    usage = _usage(request, completion)
    head = _head(request, "chat.completion")
    return orjson.dumps({**head, "choices": choices, "usage": usage, "x_practice": completion.seen})


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    if reply.call:
        yield {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(reply, "")[0]}]}
        for piece in PIECE.findall(reply.call.arguments):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    else:
        yield {"role": "assistant", "content": ""}
        yield from ({"content": piece} for piece in PIECE.findall(reply.text or ""))


def completion_events(request: ChatRequest, completion: Completion) -> Iterator[bytes]:
    """The answer as server-sent events; the first chunk carries `x_practice`."""
    head = _head(request, "chat.completion.chunk")
    shared = {"usage": None} if request.include_usage else {}
    first: dict[str, Any] = {"x_practice": completion.seen}

    def event(choices: list[dict[str, Any]], **more: object) -> bytes:
        return b"data: " + orjson.dumps({**head, "choices": choices, **shared, **more}) + b"\n\n"

    for number, reply in enumerate(completion.replies):
        for delta in _deltas(reply):
            yield event([{"index": number, "delta": delta, "logprobs": None, "finish_reason": None}], **first)
            first = {}
        yield event([{"index": number, "delta": {}, "logprobs": None, "finish_reason": reply.finish}])
    if request.include_usage:
        yield event([], usage=_usage(request, completion))
    yield DONE


def embedding_body(request: EmbeddingRequest) -> bytes:
    """The vectors, as numbers or as base64 of little-endian 32-bit floats."""
    rows = embed(request.texts, request.dimensions)
    vectors = (
        base64.b64encode(row.astype("<f4").tobytes()).decode() if request.base64 else row for row in rows
    )
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    tokens = sum(count_tokens(len(text)) for text in request.texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {
        "object": "list",
        "data": data,
        "model": request.model,
        "usage": usage,
        "x_practice": {"note": NOTE},
    }
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def model_body(name: str) -> dict[str, Any] | None:
    """One model's entry; None when there is no such model."""
    if name != CHAT_MODEL and name not in EMBEDDING_MODELS:
        return None
    return {"id": name, "object": "model", "created": 0, "owned_by": f"whetstone: {NOTE}"}


def tuned_body(record: dict[str, Any]) -> dict[str, Any]:
    """A fine-tuned model's entry."""
    about = {
        "id": record["id"],
        "object": "model",
        "created": record["created_at"],
        "owned_by": f"whetstone: {NOTE}",
    }
    return about | {
        "parent": CHAT_MODEL,
        "x_practice": {"examples": record["examples"], "job": record["job"]},
    }


def models_body(tuned: Iterable[dict[str, Any]] = ()) -> bytes:
    """The list of models, with those that were fine-tuned."""
    names = [CHAT_MODEL, *EMBEDDING_MODELS]
    return orjson.dumps({"object": "list", "data": [*map(model_body, names), *map(tuned_body, tuned)]})
