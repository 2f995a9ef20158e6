"""Calls to a provider that misbehaves, over real HTTP."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from app.providers.answers import Answer, ProviderError, secret_forms
from app.providers.client import Endpoint, ModelClient, asked_characters
from app.providers.streaming import StreamReader
from tests.asynchronous import run as run_coroutine
from tests.providers.scripted import BODY, GOOD, calling, chat, reply

KEY = "sk/SECRETSECRET1234567890"


def _basic(key: str) -> str:
    return base64.b64encode(f"user:{key}".encode()).decode()


def test_an_answer_in_plain_values() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}}
    answer, provider = chat(reply(200, {**GOOD, "id": "x", "usage": usage, "x_practice": {"task": "label"}}))
    assert isinstance(answer, Answer)
    assert (answer.content, answer.finish_reason, answer.attempts) == ("hello", "stop", 1)
    assert (answer.prompt_tokens, answer.output_tokens, answer.reasoning_tokens) == (7, 2, 1)
    assert answer.response["x_practice"] == {"task": "label"}
    assert len(provider.asked) == 1


def test_a_busy_provider_is_asked_again_when_it_says() -> None:
    answer, provider = chat(
        reply(429, {"error": {"message": "slow down"}}, retry_after="0.3"), reply(200, GOOD)
    )
    assert isinstance(answer, Answer)
    assert answer.attempts == 2
    assert provider.asked[1] - provider.asked[0] >= 0.3


def test_a_busy_provider_that_asks_for_no_pause_gets_one_all_the_same() -> None:
    refusal = reply(429, {"error": {"message": "slow down"}}, retry_after="0")
    answer, provider = chat(*[refusal] * 5, reply(200, GOOD))
    assert isinstance(answer, Answer)
    # Backoffs with full jitter of 1 to 16 s: under half a second for all of five has a chance of one in ten million.
    assert provider.asked[5] - provider.asked[0] > 0.5


def test_server_errors_are_tried_three_times() -> None:
    error, provider = chat(reply(503, {"error": {"message": "overloaded"}}))
    assert isinstance(error, ProviderError)
    assert (error.message, error.status, error.attempts) == ("acme answered 503: overloaded", 503, 3)
    assert len(provider.asked) == 3
    healed, _ = chat(reply(500, b"oops", "text/plain"), reply(200, GOOD))
    assert isinstance(healed, Answer)


@pytest.mark.parametrize(
    ("refusal", "earliest_s", "over_s"),
    [
        (reply(429, {"error": {"message": "not now"}}, retry_after="2"), 2.0, 0.5),
        (reply(503, {"error": {"message": "overloaded"}}), 0.0, 1.0),
    ],
    ids=["told when", "not told"],
)
def test_calls_that_were_refused_together_do_not_come_back_together(
    refusal: bytes, earliest_s: float, over_s: float
) -> None:
    calls = 20

    async def run() -> list[float]:
        async with calling(*[refusal] * calls, reply(200, GOOD)) as (client, provider):
            await asyncio.gather(*(client.chat(BODY) for _ in range(calls)))
            return provider.asked

    asked = run_coroutine(run())
    again = asked[calls:]
    assert len(again) == calls
    assert min(again) - asked[0] >= earliest_s
    assert max(again) - min(again) > 0.4 * over_s


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_final_and_keeps_the_providers_words(status: int) -> None:
    error, provider = chat(reply(status, {"error": {"message": "no such model", "code": "model_not_found"}}))
    assert isinstance(error, ProviderError)
    assert (error.status, error.code) == (status, "model_not_found")
    assert "no such model" in error.message
    assert "no such model" in (error.body or "")
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "write", [str, lambda key: key.replace("/", "%2F"), _basic], ids=["plain", "url", "base64"]
)
def test_a_key_that_is_sent_back_is_neither_stored_nor_shown(write: Callable[[str], str]) -> None:
    echoed = f"no access with Bearer {write(KEY)} here"

    async def run() -> ProviderError:
        async with calling(reply(401, {"error": {"message": echoed}})) as (client, provider):
            keyed = ModelClient(Endpoint("p", "acme", f"http://127.0.0.1:{provider.port}/v1", KEY))
            await client.aclose()
            try:
                await keyed.chat(BODY)
            except ProviderError as error:
                return error
            finally:
                await keyed.aclose()
            raise AssertionError("it answered")

    error = run_coroutine(run())
    told = f"{error} {error.message} {error.body}"
    assert write(KEY)[4:-4] not in told
    assert "no access with Bearer" in error.message


@pytest.mark.parametrize(
    "write", [str, lambda key: key.replace("/", "%2F"), _basic], ids=["plain", "url", "base64"]
)
def test_a_key_that_a_good_answer_sends_back_is_neither_stored_nor_shown(write: Callable[[str], str]) -> None:
    echo = write(KEY)
    good = {
        "model": f"m {echo}",
        "request_headers": {"authorization": f"Bearer {echo}", echo: [echo]},
        "choices": [{"message": {"content": f"You said {echo}."}, "finish_reason": "stop"}],
    }
    events = [
        {"model": "m", "echo": echo, "choices": [{"delta": {"content": f"You {echo[:9]}"}}]},
        {"choices": [{"delta": {"content": f"{echo[9:]}."}, "finish_reason": "stop"}]},
    ]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"

    async def run() -> tuple[Answer, str, Answer, list[str]]:
        replies = (
            reply(200, good),
            reply(200, stream.encode(), "text/event-stream"),
            reply(200, {"data": [{"id": echo}, {"id": "m"}]}),
        )
        async with calling(*replies) as (client, provider):
            keyed = ModelClient(Endpoint("p", "acme", f"http://127.0.0.1:{provider.port}/v1", KEY))
            await client.aclose()
            whole = await keyed.chat(BODY)
            *pieces, streamed = [part async for part in keyed.stream(BODY)]
            names = await keyed.list_models()
            await keyed.aclose()
            assert isinstance(streamed, Answer)
            return whole, "".join(map(str, pieces)), streamed, names

    whole, shown, streamed, names = run_coroutine(run())
    assert write(KEY)[4:-4] not in f"{whole} {shown} {streamed}"
    assert shown == streamed.content
    assert shown == "You ▒▒▒." or write is _basic
    assert (whole.content, names) == ("You said ▒▒▒.", ["m"]) or write is _basic
    assert "Bearer" in str(whole.response)


@pytest.mark.parametrize("key", ["lm-studio", "password", "not-needed"])
def test_a_word_that_stands_in_for_a_key_stays_in_answers(key: str) -> None:
    assert secret_forms(key) == []
    assert secret_forms("sk-1234567")


def test_what_looks_like_the_beginning_of_a_key_is_shown_in_the_end() -> None:
    reader = StreamReader("acme", ["sk-12345678"])
    said = [{"choices": [{"delta": {"content": text}}]} for text in ("ask", "-", "12 and sk-1234")]
    assert [reader.read(event) for event in said] == ["a", "", "sk-12 and "]
    assert reader.text == "ask-12 and sk-1234"
    assert reader.rest() == "sk-1234"
    assert reader.text == "ask-12 and sk-1234"


@pytest.mark.parametrize(
    ("content", "characters"),
    [
        ("four", 4),
        (None, 0),
        ([{"type": "text", "text": None}, "some text", {"type": "text", "text": "four"}, None, 12], 15),
        ([{"type": "text", "text": "four"}, {"type": "image_url", "image_url": {"url": "x" * 10**6}}], 4_004),
    ],
)
def test_a_picture_counts_for_its_tokens_not_for_its_bytes(content: object, characters: int) -> None:
    assert asked_characters({"messages": [{"role": "user", "content": content}]}) == characters


def test_an_empty_account_is_not_waited_for() -> None:
    error, provider = chat(reply(429, {"error": {"message": "pay", "code": "insufficient_quota"}}))
    assert isinstance(error, ProviderError)
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        reply(200, b"<html>gateway</html>", "text/html"),
        reply(200, b'{"choices": [', "application/json"),
        reply(200, {"choices": []}),
        reply(200, {"choices": "none"}),
        reply(200, {"choices": [{"message": {"content": 7}}]}),
        reply(200, {"error": {"message": "hidden in a 200"}}),
        reply(200, b"[1, 2]"),
        reply(302, b"", "text/plain", location="http://127.0.0.1:9/elsewhere"),
    ],
)
def test_garbage_is_an_error_that_names_the_provider(garbage: bytes) -> None:
    error, _ = chat(garbage)
    assert isinstance(error, ProviderError)
    assert "acme" in error.message


def test_numbers_that_are_none_are_left_out() -> None:
    odd = json.dumps(GOOD)[:-1] + ', "usage": {"prompt_tokens": NaN, "completion_tokens": -3}}'
    answer, _ = chat(reply(200, odd.encode()))
    assert isinstance(answer, Answer)
    assert (answer.prompt_tokens, answer.output_tokens) == (None, None)


def test_text_that_postgres_cannot_hold_is_replaced() -> None:
    answer, _ = chat(
        reply(200, {"choices": [{"message": {"content": "a\0b\ud800c"}, "finish_reason": "stop"}]})
    )
    assert isinstance(answer, Answer)
    assert answer.content == "a�b?c"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1"])
def test_nobody_there(address: str) -> None:
    async def run() -> ProviderError:
        client = ModelClient(Endpoint("p", "acme", address, "key"))
        try:
            await client.chat(BODY)
        except ProviderError as error:
            return error
        finally:
            await client.aclose()
        raise AssertionError("it answered")

    error = run_coroutine(run())
    assert error.message.startswith("acme could not be reached")
    assert error.attempts == 3


def test_a_stream_arrives_in_pieces_and_whole() -> None:
    events = [
        {"choices": [{"delta": {"role": "assistant", "content": "hel"}}]},
        {"choices": [{"delta": {"content": "lo"}}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    ]
    data = (
        b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    )

    async def run(body: bytes) -> list[str | Answer]:
        async with calling(reply(200, body, "text/event-stream")) as (client, _):
            return [piece async for piece in client.stream(BODY)]

    *pieces, answer = run_coroutine(run(data))
    assert pieces == ["hel", "lo"]
    assert isinstance(answer, Answer)
    assert (answer.content, answer.prompt_tokens, answer.finish_reason) == ("hello", 3, "stop")
    with pytest.raises(ProviderError, match="broke off") as broken:
        run_coroutine(run(b"".join(data.partition(b'"lo"}}]}\n\n')[:2])))
    assert broken.value.partial == "hello"


@asynccontextmanager
async def silent_for(seconds: float, *, deadline_s: float) -> AsyncIterator[ModelClient]:
    """A client that lets a stream be silent for 0.3 s, of a provider that says nothing for so long, then all."""

    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.append(task)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(seconds)
        with suppress(ConnectionError):
            writer.write(reply(200, GOOD))
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = Endpoint("p", "acme", f"http://127.0.0.1:{port}/v1", "key", deadline_s=deadline_s)
    client = ModelClient(endpoint, idle_s=0.3)
    try:
        yield client
    finally:
        await client.aclose()
        server.close()
        await asyncio.gather(*serving)


def test_a_model_may_think_in_silence_until_the_deadline() -> None:
    async def plain(deadline_s: float) -> Answer | ProviderError:
        async with silent_for(0.8, deadline_s=deadline_s) as client:
            try:
                return await client.chat(BODY)
            except ProviderError as error:
                return error

    answer = run_coroutine(plain(10))
    assert isinstance(answer, Answer)
    assert answer.attempts == 1

    late = run_coroutine(plain(0.5))
    assert isinstance(late, ProviderError)
    assert late.message.startswith("acme did not answer within 0.5")
    assert late.message.endswith(" s, 3 times.")


def test_a_stream_that_stays_silent_is_given_up() -> None:
    async def streamed() -> ProviderError | None:
        async with silent_for(2, deadline_s=10) as client:
            try:
                async for _ in client.stream(BODY):
                    pass
            except ProviderError as error:
                return error
        return None

    error = run_coroutine(streamed())
    assert error is not None
    assert error.message.startswith("acme did not answer within 0.3")
    assert error.message.endswith(" s, 3 times.")
