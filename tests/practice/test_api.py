"""The provider over HTTP, mostly through the client that the product uses."""

import concurrent.futures
import json
import socket
import subprocess
import sys
import time

import httpx2
import numpy as np
import openai
import pytest
from openai import OpenAI

from app.practice.keys import sign
from tests.practice.conftest import SECRET, serve
from tests.practice.prompts import EXAMPLES, LABELS, MESSAGES, QUESTIONS, answerer, classifier

SCHEMA = {
    "type": "object",
    "properties": {"intent": {"enum": ["card_lost", "top_up"]}},
    "required": ["intent"],
}
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def wire(messages):
    return [{"role": role, "content": text} for role, text in messages]


def chat(client, messages, **options):
    return client.chat.completions.create(model="practice-1", messages=wire(messages), **options)


LISTED = classifier("Where is my card?", LABELS, EXAMPLES)
PASSAGE = answerer(QUESTIONS[0]["question"], QUESTIONS[0]["passage"])


class TestChat:
    def test_an_answer_says_what_was_read(self, client):
        done = chat(client, LISTED)

        assert done.choices[0].message.content in LABELS
        assert done.choices[0].finish_reason == "stop"
        assert done.model == "practice-1"
        seen = done.model_extra["x_practice"]
        assert seen["note"] == "practice model, not an LLM"
        assert seen["task"] == "choose a label"
        assert seen["labels"] == {"count": 77, "first": LABELS[:3]}
        assert seen["examples"]["count"] == 385
        assert seen["examples"]["first"][0] == [EXAMPLES[0][0][:80], EXAMPLES[0][1]]
        assert seen["passage"]["characters"] == 0
        assert seen["input"] == "Where is my card?"

    def test_the_passage_is_said_with_its_length(self, client):
        seen = chat(client, PASSAGE).model_extra["x_practice"]

        assert seen["passage"]["characters"] == len(QUESTIONS[0]["passage"])
        assert seen["task"] == "answer from the passage"

    def test_usage_counts_four_characters_a_token(self, client):
        usage = chat(client, [("user", "abcdefgh")]).usage

        assert usage.prompt_tokens == 2 + 4
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens

    def test_several_choices(self, client):
        done = chat(client, PASSAGE, n=3, temperature=1.5, seed=1)

        assert [choice.index for choice in done.choices] == [0, 1, 2]

    def test_parameters_it_does_not_know_are_said(self, client):
        seen = chat(client, PASSAGE, top_p=0.5, frequency_penalty=1).model_extra["x_practice"]

        assert seen["ignored"] == ["frequency_penalty", "top_p"]

    def test_text_parts_are_read(self, client):
        parts = [{"type": "text", "text": "Where is"}, {"type": "text", "text": "my card?"}]
        done = client.chat.completions.create(
            model="practice-1", messages=[{"role": "user", "content": parts}]
        )

        assert done.model_extra["x_practice"]["input"] == "my card?"

    def test_json_schema(self, client):
        form = {"type": "json_schema", "json_schema": {"name": "sorted", "schema": SCHEMA, "strict": True}}
        done = chat(client, [("user", "I lost my card")], response_format=form)

        assert json.loads(done.choices[0].message.content) == {"intent": "card_lost"}

    def test_json_object(self, client):
        done = chat(client, PASSAGE, response_format={"type": "json_object"})

        assert set(json.loads(done.choices[0].message.content)) == {"answer"}

    def test_tools(self, client):
        messages = [("user", "What is the weather in Graz?")]
        done = chat(client, messages, tools=[{"type": "function", "function": TOOL}])
        call = done.choices[0].message.tool_calls[0]

        assert done.choices[0].finish_reason == "tool_calls"
        assert call.id.startswith("call_")
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Graz"})

    def test_a_long_prompt_is_answered_in_the_thread(self, client):
        long = answerer(QUESTIONS[0]["question"], "\n\n".join(row["passage"] for row in QUESTIONS[:60]))

        assert chat(client, long).model_extra["x_practice"]["passage"]["characters"] > 40_000


class TestStream:
    def test_the_pieces_make_the_answer(self, client):
        whole = chat(client, [("user", "Hello")]).choices[0].message.content
        chunks = list(chat(client, [("user", "Hello")], stream=True, stream_options={"include_usage": True}))

        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[0].model_extra["x_practice"]["task"] == "nothing to go by"
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert chunks[-1].choices == []
        assert chunks[-1].usage.total_tokens > 0
        assert {c.usage for c in chunks[:-1]} == {None}

    def test_usage_only_on_request(self, client):
        assert all(chunk.choices for chunk in chat(client, PASSAGE, stream=True))

    def test_tool_calls_come_in_pieces(self, client):
        messages = [("user", "What is the weather in Graz?")]
        chunks = list(chat(client, messages, tools=[{"type": "function", "function": TOOL}], stream=True))
        calls = [c.choices[0].delta.tool_calls[0] for c in chunks if c.choices[0].delta.tool_calls]

        assert calls[0].function.name == "get_weather"
        assert json.loads("".join(call.function.arguments for call in calls)) == {"city": "Graz"}

    def test_choices_keep_their_numbers(self, client):
        chunks = list(chat(client, [("user", "Hello")], stream=True, n=2))

        assert {c.choices[0].index for c in chunks} == {0, 1}


class TestEmbeddings:
    @pytest.mark.parametrize(
        ("model", "dimensions"), [("practice-embed-small", 256), ("practice-embed-large", 1024)]
    )
    def test_base64_and_numbers_are_the_same(self, client, model, dimensions):
        texts = [row["text"] for row in MESSAGES[:3]]
        packed = client.embeddings.create(model=model, input=texts)  # the client asks for base64 by itself
        plain = client.embeddings.create(model=model, input=texts, encoding_format="float")

        assert [len(entry.embedding) for entry in plain.data] == [dimensions] * 3
        assert np.allclose([e.embedding for e in packed.data], [e.embedding for e in plain.data])
        assert plain.usage.prompt_tokens > 0

    def test_fewer_dimensions(self, client):
        made = client.embeddings.create(model="practice-embed-large", input="a text", dimensions=64)

        assert len(made.data[0].embedding) == 64

    def test_many_texts(self, client):
        made = client.embeddings.create(
            model="practice-embed-small", input=[row["passage"] for row in QUESTIONS]
        )

        assert len(made.data) == len(QUESTIONS)


class TestModels:
    def test_list(self, client):
        models = list(client.models.list())

        assert [model.id for model in models] == [
            "practice-1",
            "practice-embed-small",
            "practice-embed-large",
        ]
        assert {model.owned_by for model in models} == {"whetstone: practice model, not an LLM"}

    def test_one(self, client):
        assert client.models.retrieve("practice-1").id == "practice-1"


class TestErrors:
    @pytest.mark.parametrize(
        ("change", "status", "param", "code"),
        [
            ({"model": "gpt-4"}, 404, "model", "model_not_found"),
            ({"model": None}, 400, "model", None),
            ({"messages": []}, 400, "messages", None),
            ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages", "invalid_value"),
            (
                {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
                400,
                "messages",
                "invalid_value",
            ),
            ({"temperature": 3}, 400, "temperature", "invalid_value"),
            ({"temperature": "hot"}, 400, "temperature", "invalid_type"),
            ({"n": 1000}, 400, "n", "invalid_value"),
            ({"max_tokens": 0}, 400, "max_tokens", "invalid_value"),
            ({"stop": [1]}, 400, "stop", "invalid_type"),
            ({"response_format": {"type": "xml"}}, 400, "response_format", None),
            (
                {"tool_choice": {"type": "function", "function": {"name": "f"}}},
                400,
                "tool_choice",
                "invalid_value",
            ),
            (
                {"messages": [{"role": "user", "content": "word " * 26_000}]},
                400,
                "messages",
                "context_length_exceeded",
            ),
        ],
    )
    def test_what_is_wrong_is_said_in_openais_shape(self, provider, change, status, param, code):
        body = {"model": "practice-1", "messages": [{"role": "user", "content": "x"}], **change}
        answer = post(provider, json.dumps(body))

        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
        assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (param, code)

    def test_no_json(self, provider):
        assert post(provider, "{").status_code == 400

    def test_a_body_that_is_too_long(self, provider):
        assert post(provider, " " * 4_100_000).status_code == 413

    def test_no_such_address(self, client):
        with pytest.raises(openai.NotFoundError):
            client.batches.list()

    @pytest.mark.parametrize("key", ["nonsense", sign("another secret", "ws_1")])
    def test_a_wrong_key(self, provider, key):
        with (
            OpenAI(base_url=f"{provider}/practice/v1", api_key=key, max_retries=0) as client,
            pytest.raises(openai.AuthenticationError) as caught,
        ):
            client.models.list()

        assert caught.value.code == "invalid_api_key"

    def test_no_key(self, provider):
        answer = httpx2.get(f"{provider}/practice/v1/models")

        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def post(provider, body, **headers):
    headers = {"authorization": f"Bearer {sign(SECRET, 'ws_1')}", **headers}
    return httpx2.post(f"{provider}/practice/v1/chat/completions", content=body.encode(), headers=headers)


class TestFaults:
    def test_rate_limit_with_retry_after(self, client):
        with pytest.raises(openai.RateLimitError) as caught:
            chat(client, PASSAGE, extra_headers={"x-practice-faults": "rate_429=1,retry_after=3"})

        assert caught.value.response.headers["retry-after"] == "3"
        assert caught.value.code == "rate_limit_exceeded"

    def test_server_error(self, client):
        with pytest.raises(openai.InternalServerError):
            chat(client, PASSAGE, extra_headers={"x-practice-faults": "rate_500=1"})

    def test_latency(self, client):
        started = time.monotonic()
        chat(client, PASSAGE, extra_headers={"x-practice-faults": "latency_ms=200"})

        assert time.monotonic() - started >= 0.2

    def test_a_cut_stream_fails_after_some_of_it(self, client):
        headers = {"x-practice-faults": "cut_stream=1"}
        with chat(client, [("user", "Hello")], stream=True, extra_headers=headers) as stream:
            got = []
            with pytest.raises(openai.APIConnectionError):
                got.extend(chunk for chunk in stream)

    def test_in_the_models_name(self, client):
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="practice-1@rate_429=1", messages=wire(PASSAGE))
        with pytest.raises(openai.InternalServerError):
            client.embeddings.create(model="practice-embed-small@rate_500=1", input="x")

    def test_an_unknown_fault_is_refused(self, client):
        with pytest.raises(openai.BadRequestError, match="There is no fault 'speed'"):
            chat(client, PASSAGE, extra_headers={"x-practice-faults": "speed=1"})

    def test_another_process_meets_the_same_faults_in_another_order(self, provider):
        bodies = [chat_body(f"only this test says {i}") for i in range(20)]
        faults = {"x-practice-faults": "rate_429=0.3,rate_500=0.2,seed=11"}
        process, port = serve()
        try:
            first = statuses(provider, bodies * 2, faults)
            second = statuses(f"http://127.0.0.1:{port}", [*bodies[::-1], *bodies], faults)
        finally:
            process.terminate()
            process.wait(10)

        assert first == [*second[:20][::-1], *second[20:]]
        assert first[:20] != first[20:]
        assert set(first) == {200, 429, 500}


def chat_body(text):
    return json.dumps({"model": "practice-1", "messages": [{"role": "user", "content": text}]}).encode()


def statuses(provider, bodies, faults):
    headers = {"authorization": f"Bearer {sign(SECRET, 'ws_1')}", **faults}
    with httpx2.Client(base_url=f"{provider}/practice/v1", headers=headers) as client:
        return [client.post("/chat/completions", content=body).status_code for body in bodies]


class TestProcess:
    def test_health_needs_no_key(self, provider):
        assert httpx2.get(f"{provider}/health/live").json() == {"status": "ok"}

    def test_faults_for_the_whole_process(self):
        process, port = serve("--faults", "rate_500=1")
        try:
            assert (
                post(
                    f"http://127.0.0.1:{port}", '{"model":"practice-1","messages":[{"role":"user"}]}'
                ).status_code
                == 500
            )
        finally:
            process.terminate()
            process.wait(10)

    @pytest.mark.parametrize(
        ("secret", "options", "said"),
        [("", [], "WHETSTONE_SECRET_KEY"), ("x", ["--faults", "speed=1"], "speed")],
    )
    def test_a_wrong_start_says_what_is_wrong(self, secret, options, said):
        command = [sys.executable, "-m", "app.practice", "--port", "0", *options]
        done = subprocess.run(
            command,
            env={"WHETSTONE_SECRET_KEY": secret},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 2
        assert said in done.stderr.splitlines()[-1]

    def test_a_heavy_prompt_does_not_hold_up_the_others(self, provider, client):
        """Light requests are answered while heavy ones are worked on."""
        heavy = json.dumps(
            {"model": "practice-1", "messages": wire([("user", "a: b\nc, d -> e | f.\n" * 6_000)])}
        )
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(post, provider, heavy.replace("a:", f"a{i}:")) for i in range(3)]
            answered = 0
            while not all(future.done() for future in waiting):
                chat(client, PASSAGE)
                answered += 1

        assert [future.result().status_code for future in waiting] == [200] * 3
        assert answered >= 5

    def test_a_client_that_leaves_half_way_does_no_harm(self, provider, client):
        host, port = provider.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            head = f"POST /practice/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {sign(SECRET, 'w')}"
            raw.sendall(f"{head}\r\ncontent-length: 1000\r\n\r\n{{".encode())

        assert chat(client, PASSAGE).choices
