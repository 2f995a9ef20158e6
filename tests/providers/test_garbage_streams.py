"""Streams that are no streams: an error that names the provider and keeps what had come, or an answer; never a fault of ours."""

import asyncio
import json
from decimal import Decimal

import pytest

from app.generations.prepared import Origin, Target, answered
from app.providers.answers import Answer, ProviderError
from app.providers.client import Endpoint, ModelClient
from app.providers.prices import Price
from tests.asynchronous import run

FIRST = b'data: {"choices": [{"delta": {"content": "one"}}]}\n\n'
LAST = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def _delta(delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"


BROKEN = {
    "cut in a letter": FIRST + b'data: {"choices": [{"delta": {"content": "caf\xc3',
    "cut between events": FIRST,
    "JSON that breaks off": FIRST + b'data: {"choices": [{"delta"\n\n',
    "no JSON": FIRST + b"data: <html>\n\n",
    "a list": FIRST + b"data: [1]\n\n",
    "an error": FIRST + b'data: {"error": {"message": "overloaded"}}\n\n',
    "letters that are none": FIRST + b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n',
    "a reason that is no text": FIRST + b'data: {"choices": [{"delta": {}, "finish_reason": 7}]}\n\n',
}
ODD = {
    "unknown events": b'event: ping\ndata: {}\n\n: a comment\n\nevent: x\ndata: {"type": "y"}\n\n',
    "choices are a text": b'data: {"choices": "none"}\n\n',
    "a choice is a text": b'data: {"choices": ["none"]}\n\n',
    "a delta is a list": _delta([]),
    "content is a number": _delta({"content": 7}),
    "content is a half letter": _delta({"content": "\ud83d"}),
    "tool calls are a text": _delta({"tool_calls": "x"}),
    "a tool call is a text": _delta({"tool_calls": ["x"]}),
    "a function is a number": _delta({"tool_calls": [{"function": 7}]}),
    "arguments are an object": _delta({"tool_calls": [{"function": {"arguments": {}}}]}),
    "an index is a list": _delta({"tool_calls": [{"index": [], "id": 7}]}),
    "a model is an object": b'data: {"model": {}, "usage": [], "choices": []}\n\n',
    "usage is NaN": b'data: {"usage": {"prompt_tokens": NaN, "completion_tokens": -1}, "choices": []}\n\n',
}


def _ask(*bodies: bytes) -> Answer | ProviderError:
    """What comes of a request that is answered by these, a try each."""
    left = list(bodies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + left.pop(0)
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def ask() -> Answer | ProviderError:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = ModelClient(Endpoint("p", "acme", f"http://127.0.0.1:{port}/v1", "k"))
        try:
            body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            *_, last = [part async for part in client.stream(body)]
        except ProviderError as error:
            return error
        finally:
            await client.aclose()
            server.close()
        assert isinstance(last, Answer)
        return last

    return run(ask())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_stream_is_an_error_that_keeps_what_came(name: str) -> None:
    error = _ask(BROKEN[name])
    assert isinstance(error, ProviderError)
    assert "acme" in error.message
    assert error.partial.startswith("one")
    assert error.attempts == 1


@pytest.mark.parametrize("name", ODD)
def test_an_odd_event_is_passed_over(name: str) -> None:
    answer = _ask(FIRST + ODD[name] + LAST)
    assert isinstance(answer, Answer)
    assert (answer.content or "").startswith("one")
    assert (answer.finish_reason, answer.model) == ("stop", None)
    json.dumps(answer.message).encode()
    (answer.content or "").encode()


REFUSED = b'data: {"error": {"message": "the prompt is too long"}}\n\n'
BEGUN = _delta({"role": "assistant", "reasoning_content": "Let me see"})


@pytest.mark.parametrize(
    ("bodies", "asked"),
    [((REFUSED,), 0), ((b'data: {"choices": []}\n\n' + REFUSED,), 0), ((BEGUN, BEGUN, BEGUN), 6), ((FIRST,), 2)],
)  # fmt: skip
def test_what_had_begun_is_paid_for_and_a_refusal_is_not(bodies: tuple[bytes, ...], asked: int) -> None:
    error = _ask(*bodies)
    assert isinstance(error, ProviderError)
    assert (error.asked, error.attempts) == (asked, len(bodies))


def test_tries_that_had_begun_are_paid_for_with_the_answer() -> None:
    answer = _ask(BEGUN, FIRST + LAST)
    assert isinstance(answer, Answer)
    assert (answer.content, answer.asked, answer.lost) == ("one", 2, 2)
    target = Target(
        Endpoint("p", "acme", "http://127.0.0.1:1/v1", "k"), "m", Price("m", None, Decimal(4), Decimal(0))
    )
    assert answered(Origin("ws", "file", "ver", "test"), target, answer).prompt_cost == "8", "a token a try"
