"""Spans as the SDK's decorators send them, in both generations of the conventions for calls of models."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.logs.schemas import LogInBatch
from app.logs.span_values import Unreadable, typed
from app.logs.spans import read_spans


def flat(value: Any, key: str = "") -> dict[str, str]:
    """Dotted keys and texts, as the SDK writes them: what is empty, and None, leaves no key."""
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        found: dict[str, str] = {}
        for name, each in members:
            found |= flat(each, f"{key}.{name}" if key else str(name))
        return found
    return {} if value is None else {key: str(value)}


def request(*spans: dict[str, Any], **times: str) -> bytes:
    """One request with a span for each of these attributes."""
    listed = [
        {"attributes": [{"key": key, "value": {"stringValue": said}} for key, said in flat(span).items()]}
        | times
        for span in spans
    ]
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": listed}]}]})


def read(span: dict[str, Any], **times: str) -> dict[str, Any]:
    (found,) = read_spans(request(span, **times))
    assert found.body is not None, found.problem
    return found.body


TOOL = {
    "humanloop": {
        "file": {
            "path": "tools/Calculator",
            "type": "tool",
            "function": {
                "name": "calculate",
                "description": "42",
                "strict": True,
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": ["integer", "null"]}, "op": {"type": "string"}},
                    "required": ("a", "op"),
                    "additionalProperties": False,
                },
            },
            "source_code": "def calculate(a, op): ...",
            "attributes": {"version": 2, "beta": True, "tags": ["x", "y"]},
        },
        "log": {
            "inputs": {"a": 1, "op": "+"},
            "output": "2",
            "trace_parent_id": "log_parent",
            "run_id": "run_1",
            "source_datapoint_id": "data_1",
        },
    }
}


def test_a_tool_is_its_function_with_types_and_its_log():
    found = read(TOOL, startTimeUnixNano="1732757000000000000", endTimeUnixNano="1732757001500000000")

    assert found == {
        "type": "tool",
        "path": "tools/Calculator",
        "tool": {
            "function": TOOL["humanloop"]["file"]["function"]
            | {"parameters": TOOL["humanloop"]["file"]["function"]["parameters"] | {"required": ["a", "op"]}},
            "source_code": "def calculate(a, op): ...",
            "attributes": {"version": 2, "beta": True, "tags": ["x", "y"]},
        },
        "inputs": {"a": "1", "op": "+"},
        "output": "2",
        "trace_parent_id": "log_parent",
        "run_id": "run_1",
        "source_datapoint_id": "data_1",
        "start_time": "2024-11-28T01:23:20+00:00",
        "end_time": "2024-11-28T01:23:21.500000+00:00",
    }


def test_a_function_without_parameters_has_empty_ones():
    tool = {
        "file": {"path": "t", "type": "tool", "function": {"name": "f", "parameters": {"type": "object"}}}
    }
    found = read({"humanloop": tool | {"log": {"output": "x"}}})

    assert found["tool"]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_a_flow_completes_the_log_that_was_written_when_it_began():
    flow = {
        "file": {"path": "flows/Answer", "type": "flow", "attributes": {"n": 1}},
        "log": {"id": "log_1", "inputs": {"question": "Why?"}, "output": {"answer": "so", "n": 2}},
    }
    found = read({"humanloop": flow})

    assert found == {
        "type": "flow",
        "path": "flows/Answer",
        "flow": {"attributes": {"n": 1}},
        "log_id": "log_1",
        "update": True,
        "log_status": "complete",
        "inputs": {"question": "Why?"},
        "output": '{"answer":"so","n":"2"}',
    }


ASKED = {"path": "prompts/Answer", "type": "prompt"}
OLDER = {
    "humanloop": {"file": ASKED, "log": {"trace_parent_id": "log_1"}},
    "gen_ai": {
        "system": "OpenAI",
        "request": {"model": "gpt-4o", "temperature": 0.2, "max_tokens": 100, "top_p": 1},
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is it?"},
        ],
        "completion": [
            {
                "role": "assistant",
                "finish_reason": "tool_calls",
                "tool_calls": [{"id": "c1", "name": "find", "arguments": '{"place": "Paris"}'}],
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7},
    },
    "llm": {"request": {"functions": [{"name": "find", "description": "Finds", "parameters": '{"type": "object"}'}]}},
}  # fmt: skip
NEWER = {
    "humanloop": {"file": ASKED, "log": {"trace_parent_id": "log_1"}},
    "gen_ai": {
        "provider": {"name": "openai"},
        "request": {"model": "gpt-4o", "temperature": 0.2, "max_tokens": 100, "top_p": 1},
        "system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
        "input": {
            "messages": json.dumps(
                [{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}]
            )
        },
        "output": {
            "messages": json.dumps(
                [
                    {
                        "role": "assistant",
                        "finish_reason": "tool_calls",
                        "parts": [
                            {"type": "tool_call", "id": "c1", "name": "find", "arguments": '{"place": "Paris"}'}
                        ],
                    }
                ]
            )
        },
        "tool": {"definitions": json.dumps([{"type": "function", "name": "find", "description": "Finds", "parameters": {"type": "object"}}])},
        "usage": {"input_tokens": 11, "output_tokens": 7},
    },
}  # fmt: skip


@pytest.mark.parametrize("sent", [OLDER, NEWER])
def test_a_call_of_a_model_is_the_same_in_both_generations(sent):
    assert read(sent) == {
        "type": "prompt",
        "path": "prompts/Answer",
        "trace_parent_id": "log_1",
        "prompt": {
            "model": "gpt-4o",
            "endpoint": "chat",
            "provider": "openai",
            "temperature": 0.2,
            "max_tokens": 100,
            "top_p": 1.0,
            "tools": [{"name": "find", "description": "Finds", "parameters": {"type": "object"}}],
        },
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Where is it?"},
        ],
        "output_message": {
            "role": "assistant",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"place": "Paris"}'}}
            ],
        },
        "output": None,
        "finish_reason": "tool_calls",
        "prompt_tokens": 11,
        "output_tokens": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "older"),
    [
        ({"frequency_penalty": "0.5", "presence_penalty": "-0.25"}, {}),
        ({}, {"frequency_penalty": 0.5, "presence_penalty": -0.25}),
    ],
)
def test_what_calls_differ_by_makes_versions_differ(request_, older):
    sent = {
        **OLDER,
        "llm": older,
        "gen_ai": {**OLDER["gen_ai"], "request": {"model": "o3", "reasoning_effort": "high", **request_}},
    }
    assert read(sent)["prompt"] == {
        "model": "o3",
        "endpoint": "chat",
        "provider": "openai",
        "frequency_penalty": 0.5,
        "presence_penalty": -0.25,
        "reasoning_effort": "high",
    }


@pytest.mark.parametrize("reasons", ["('length',)", ("length",), ["length", "stop"]])
def test_a_call_whose_words_stay_out_of_the_span_says_why_it_ended(reasons):
    gen_ai = {
        "request": {"model": "gpt-4o"},
        "response": {"finish_reasons": reasons},
        "usage": {"input_tokens": 3},
    }
    assert read({"humanloop": {"file": ASKED}, "gen_ai": gen_ai}) == {
        "type": "prompt",
        "path": "prompts/Answer",
        "prompt": {"model": "gpt-4o", "endpoint": "chat"},
        "finish_reason": "length",
        "prompt_tokens": 3,
    }


def test_an_effort_that_nobody_knows_costs_no_log():
    sent = {**OLDER, "gen_ai": {"request": {"model": "o3", "reasoning_effort": "all of it"}}}
    assert "reasoning_effort" not in read(sent)["prompt"]


def test_the_newer_generation_keeps_images_thoughts_refusals_and_answers_of_tools():
    sent = [
        {"role": "user", "parts": [
            {"type": "text", "content": "What is it?"},
            {"type": "uri", "modality": "image", "mime_type": "image/png", "uri": "https://example.com/a.png"},
            {"type": "blob", "modality": "image", "mime_type": "image/jpeg", "content": "aGk="},
            {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "aGk="},
        ]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "Two calls."},
            {"type": "tool_call", "id": "c1", "name": "find", "arguments": {"a": 1}},
            {"type": "tool_call", "id": "c2", "name": "find", "arguments": {}},
        ]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "c1", "response": "Paris"},
            {"type": "tool_call_response", "id": "c2", "response": {"n": 2}},
        ]},
    ]  # fmt: skip
    answer = [
        {"role": "assistant", "finish_reason": "stop", "parts": [{"type": "refusal", "content": "No."}]}
    ]
    gen_ai = {
        "request": {"model": "m"},
        "input": {"messages": json.dumps(sent)},
        "output": {"messages": json.dumps(answer)},
    }
    found = read({"humanloop": {"file": ASKED}, "gen_ai": gen_ai})

    assert found["output_message"] == {"role": "assistant", "content": "No."}
    assert found["output"] == "No."
    asked, called, first, second = found["messages"]
    assert asked["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}},
    ]
    assert called["thinking"] == [{"type": "thinking", "thinking": "Two calls.", "signature": ""}]
    assert [call["id"] for call in called["tool_calls"]] == ["c1", "c2"]
    assert first == {"role": "tool", "content": "Paris", "tool_call_id": "c1"}
    assert second == {"role": "tool", "content": '{"n":2}', "tool_call_id": "c2"}
    TypeAdapter(LogInBatch).validate_python(found)


def test_a_tool_of_the_package_for_typescript_keeps_its_types_and_names():
    file = {
        "path": "t",
        "type": "tool",
        "function": {"name": "f", "strict": "true", "parameters": {"additionalProperties": "false"}},
        "sourceCode": "(a) => a",
        "setupValues": {"places": "3", "fine": "true"},
    }
    tool = read({"humanloop": {"file": file, "log": {"output": "x"}}})["tool"]

    assert tool["source_code"] == "(a) => a"
    assert tool["setup_values"] == {"places": 3, "fine": True}
    assert tool["function"]["strict"] is True
    assert tool["function"]["parameters"]["additionalProperties"] is False


texts = st.text(st.characters(categories=("L", "Nd", "Zs")), max_size=8)
leaves = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(categories=("Ll",)), min_size=1, max_size=5)
trees = st.recursive(
    leaves,
    lambda below: st.dictionaries(names, below, min_size=1, max_size=3) | st.lists(below, min_size=1, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(names, trees, min_size=1, max_size=3))
def test_types_and_shapes_survive_their_way_through_texts(attributes):
    tool = {"file": {"path": "t", "type": "tool", "function": {"name": "f"}, "attributes": attributes}}

    assert read({"humanloop": tool | {"log": {"output": "x"}}})["tool"]["attributes"] == attributes


@given(texts)
def test_texts_stay_texts_unless_they_look_like_something_else(text):
    assert typed(text) == text or str(typed(text)) == text.strip() or not isinstance(typed(text), str)
    assert typed("None of it") == "None of it"
    assert [typed(one) for one in ("True", "0.5", "('a', 1)", "None", "[1, 'x']")] == [
        True, 0.5, ["a", 1], None, [1, "x"]
    ]  # fmt: skip
    assert [typed(one) for one in ("true", "false", "null", "truly")] == [True, False, "null", "truly"]
    assert typed("__import__('os')") == "__import__('os')"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"),
        (b"\x80\x81", "no JSON"),
        (b"[]", "no list of spans"),
        (b'{"resourceSpans": {"a": 1}}', "no list of spans"),
        (b'{"resourceSpans": [1]}', "no list of spans"),
        (b"[" * 100_000, "no JSON"),
        (request(*[{"a": 1}] * 10_001), "10,001 spans"),
    ],
)  # fmt: skip
def test_what_is_no_request_says_so(body, said):
    with pytest.raises(Unreadable, match=said):
        read_spans(body)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ({"humanloop": {"file": {"type": "tool"}}}, "humanloop.file.path is missing"),
        ({"humanloop": {"file": {"path": "x", "type": "dataset"}}}, "humanloop.file.type is 'dataset'"),
        ({"humanloop": {"file": {"path": "x", "type": "prompt"}}}, "gen_ai.request.model is missing"),
        ({"humanloop": {"file": {"path": "x", "type": "flow"}}}, "says nothing of a log"),
        ({"humanloop": {"file": TOOL["humanloop"]["file"]}}, "as when the tool broke off"),
        ({".".join("a" * 50): 1, "humanloop": {"file": {"path": "x", "type": "tool"}}}, "more than 32 deep"),
    ],
)
def test_what_is_no_log_says_so_and_keeps_its_neighbours(span, said):
    bad, good = read_spans(request(span, TOOL))

    assert bad.body is None
    assert said in (bad.problem or "")
    assert orjson.loads(bad.raw)["attributes"]
    assert good.body is not None


def test_any_shape_within_a_span_is_a_problem_of_that_span_alone():
    strange: list[Any] = [
        1,
        None,
        "x",
        {},
        {"attributes": 1},
        {"attributes": [1]},
        {"attributes": [{"key": 1}]},
    ]
    body = {"resourceSpans": [{"scopeSpans": [{"spans": strange}]}]}

    assert [one.body for one in read_spans(orjson.dumps(body))] == [None] * len(strange)
