"""Streams that are no streams: an error that names the provider and keeps what had come, or an answer; never a fault of ours."""

import asyncio
import json

import pytest

from app.providers.answers import Answer, ProviderError
from app.providers.client import Endpoint, ModelClient
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


def _ask(body: bytes) -> Answer | ProviderError:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + body
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
