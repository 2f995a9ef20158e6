"""A judge's reply that was cut off is no verdict: its “No” may be the beginning of “No problem at all: True”."""

import asyncio
import json

import pytest

from app.evaluations.verdicts.calls import ask
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import ModelCall
from app.generations.prepared import Origin, Target
from app.logs.records import LogRecord
from app.providers.client import Endpoint, ModelClient
from tests.asynchronous import run
from tests.evaluators.cases import execution, row

QUESTION = ModelCall([{"role": "user", "content": "Is it polite?"}], None, "m", None)


def asked(
    finish_reason: str | None, said: str = "No", question: ModelCall = QUESTION
) -> tuple[LogRecord, str | None]:
    """What comes of a call to a judge that says this and stops for this reason."""
    message = {"role": "assistant", "content": said}
    body = json.dumps({"choices": [{"message": message, "finish_reason": finish_reason}]}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async def call() -> tuple[LogRecord, str | None]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        endpoint = Endpoint("p", "acme", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "k")
        client = ModelClient(endpoint)
        try:
            return await ask(
                client, Origin("ws", "file", "ver", "judge"), Target(endpoint, "m", None), question
            )
        finally:
            await client.aclose()
            server.close()

    return run(call())


@pytest.mark.parametrize(
    "reason", ["length", "max_tokens", "MAX_TOKENS", "model_length", "model_context_window_exceeded"]
)
def test_a_reply_that_was_cut_off_is_no_answer(reason: str) -> None:
    log, answer = asked(reason)
    assert answer is None
    assert (log.error or "").startswith("The reply of m was cut off at its largest number of tokens")
    assert log.output == "No", "which the log keeps"


@pytest.mark.parametrize("reason", ["stop", "STOP", "end_turn", "stop_sequence", "eos", "", None])
def test_a_reply_that_ended_by_itself_is_whole(reason: str | None) -> None:
    log, answer = asked(reason)
    assert (log.error, answer) == (None, "No")


@pytest.mark.parametrize(
    "reason",
    ["content_filter", "SAFETY", "refusal", "RECITATION", "error", "other", "tool_calls", "insufficient_system_resource"],
)  # fmt: skip
def test_a_reply_that_was_ended_by_something_else_is_no_answer(reason: str) -> None:
    log, answer = asked(reason)
    assert answer is None
    assert log.error == (
        f"The reply of m did not end by itself, but by “{reason}”: it may not be what was to be said."
    )


def cut_verdict(said: str, max_tokens: int | None, **options: object) -> tuple[str | None, str | None]:
    """The error and the answer of a prompt as judge whose reply was cut off behind what it `said`."""
    prompt = {"model": "m", "template": "{{log.output}}", "max_tokens": max_tokens}
    (call,) = kind("prompt_judge").prepare({"prompt": prompt, **options}).calls(execution(), row())
    assert isinstance(call, ModelCall)
    log, answer = asked("length", said, call)
    return log.error, answer


CHOICES = {"answers": "select", "choices": ["right", "right in part", "wrong", "needs improvement"]}


@pytest.mark.parametrize(
    ("said", "max_tokens", "options"),
    [
        ("True", 1, {}),
        ("**No**.", 5, {}),
        ("wrong", 1, CHOICES),
        ("Needs improvement", 10, CHOICES),
    ],
)
def test_a_verdict_that_was_cut_off_where_nothing_else_had_room_is_whole(
    said: str, max_tokens: int, options: dict[str, object]
) -> None:
    assert cut_verdict(said, max_tokens, **options) == (None, said)


@pytest.mark.parametrize(
    ("said", "max_tokens", "options"),
    [
        ("No", 6, {}),
        ("True", 500, {}),
        ("True", None, {}),
        ("Tr", 1, {}),
        ("It is polite. True", 5, {}),
        ("right", 1, CHOICES),
        ("1", 1, {"answers": "number"}),
        ("too", 1, {"answers": "text"}),
    ],
)
def test_a_reply_that_may_go_on_is_not(said: str, max_tokens: int | None, options: dict[str, object]) -> None:
    error, answer = cut_verdict(said, max_tokens, **options)
    assert answer is None
    assert "let it have more with max_tokens" in (error or "")
