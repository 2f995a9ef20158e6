"""No input makes the model slow or makes it fail. Processor time is measured, so that a busy machine is no failure."""

import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.practice.errors import Refused
from app.practice.model import complete
from app.practice.requests import parse_chat, parse_embedding
from tests.practice.prompts import ask, system, user

SIZE = 50_000
"""Characters: what is quadratic in them takes minutes. The context window holds 128,000."""
BOUND_S = 3.0

PIECES = {
    "blanks": " ",
    "line breaks": "\n",
    "blank lines with blanks": "\n ",
    "tabs": "\t",
    "other white space": "\r\f\v\u2003",
    "one letter": "a",
    "short words": "a ",
    "new words": "",
    "capitals": "A.",
    "not ASCII": "é漢",
    "opening tags": "<a",
    "open tags": "<a>",
    "closing tags": "</a>",
    "empty tags": "<a></a>",
    "nested marks": "<a <b ",
    "straight quotes": '"',
    "curly quotes": "“",
    "quoted words": ' "x',
    "apostrophes": " 'a",
    "fences": "```",
    "other fences": "'''",
    "colons": ":",
    "keys": "a: b\n",
    "key pairs": "a: b\nc: d\n",
    "bare keys": "a:\n",
    "bullets": "- x\n",
    "numbers in a list": "1. a\n",
    "arrows": "a -> b\n",
    "bars": "a | b",
    "commas": "a,",
    "choices": "one of ",
    "or": "x or ",
    "braces": "{",
    "brackets": "[",
    "JSON lines": '{"a":"b","c":"d"}\n',
    "broken JSON lines": '{"a":}\n',
    "sentences": "Aa. ",
    "semicolons": ";\n",
    "quoted ends": ".\"'",
    "questions": "Who is it?\n",
    "conditions": "if we ",
    "sayings": 'say "',
    "digits": "1",
    "dates": "1/1/",
    "signs": "a@",
    "brackets and digits": "1(",
    "passages": "Context: x y\n",
    "judged": "Answer: a\nReference: b\n",
}
TEXTS = {name: (piece or "")[:1] and piece * (SIZE // len(piece)) for name, piece in PIECES.items()}
TEXTS["new words"] = " ".join(f"w{i}" for i in range(SIZE // 7))
TEXTS["an open fence"] = "```" + "a" * SIZE
TEXTS["an open quote"] = '"' + "a " * (SIZE // 2)
TEXTS["many paragraphs"] = (
    "the of and to in it is was for on are as with his they at be this from have\n\n" * (SIZE // 80)
)
SCHEMA = {
    "type": "object",
    "properties": {"email": {"type": "string"}, "people": {"type": "integer"}, "answer": {}},
}
TOOL = {"name": "send", "parameters": {"type": "object", "properties": {"phone": {"type": "string"}}}}

PROMPTS = {
    "alone": lambda text: ([user(text)], {}),
    "as a system prompt": lambda text: ([system(text), user("Classify this: where is my card?")], {}),
    "as a passage": lambda text: (
        [system("Answer briefly."), user(f"Context: {text}\n\nQuestion: Who is it?")],
        {},
    ),
    "as a message": lambda text: (
        [system("Label it as one of: a, b, c."), user(f"<message>{text}</message>")],
        {},
    ),
    "with a schema": lambda text: ([user(text)], {"shape": "json_schema", "schema": SCHEMA}),
    "with a tool": lambda text: ([user(text)], {"tools": (TOOL,), "tool_forced": True}),
    "judged": lambda text: (
        [system("Judge it."), user(f"Reference: b\nAnswer: {text}")],
        {"temperature": 1.0},
    ),
}


@pytest.mark.parametrize("shape", PROMPTS)
@pytest.mark.parametrize("name", TEXTS)
def test_an_odd_text_keeps_nobody_waiting(name, shape):
    messages, options = PROMPTS[shape](TEXTS[name])
    started = time.process_time()
    completion = ask(messages, **options)

    assert time.process_time() - started < BOUND_S
    assert completion.replies


def test_many_json_examples_keep_nobody_waiting():
    shown = "".join(f'Text: {"word " * 30}{i}\nJSON: {{"a": "{i}"}}\n\n' for i in range(300))
    names = {name: {"type": "string"} for name in "abcdefghijklmnopqrstuvwxyz"}
    started = time.process_time()
    ask([user(f"{shown}Text: {'word ' * 30}\nJSON:")], shape="json_schema", schema={"properties": names})

    assert time.process_time() - started < 2 * BOUND_S


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
WORDS = (
    "type",
    "properties",
    "items",
    "enum",
    "required",
    "$ref",
    "anyOf",
    "const",
    "minimum",
    "description",
    "answer",
)
KINDS = ("object", "array", "string", "integer", "number", "boolean", "null", "odd")
SCHEMAS = st.recursive(
    JSON | st.sampled_from(KINDS).map(lambda kind: {"type": kind}),
    lambda inner: st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)
FIELDS = (
    "messages",
    "tools",
    "tool_choice",
    "response_format",
    "temperature",
    "seed",
    "n",
    "stop",
    "max_tokens",
)


def refused_or(work):
    """The result of the work, or None when it was refused in words."""
    try:
        return work()
    except Refused as refused:
        body = refused.body()
    assert orjson.loads(body)["error"]["message"]
    return None


class TestAnyRequest:
    @given(st.binary(max_size=60) | JSON.map(orjson.dumps))
    def test_any_body_is_read_or_refused(self, raw):
        refused_or(lambda: parse_chat(raw))
        refused_or(lambda: parse_embedding(raw))

    @given(
        st.dictionaries(st.sampled_from((*FIELDS, "stream", "stream_options", "input", "dimensions")), JSON)
    )
    def test_any_field_is_read_or_refused(self, body):
        refused_or(
            lambda: parse_chat(orjson.dumps({"messages": [{"role": "user"}], **body, "model": "practice-1"}))
        )
        refused_or(lambda: parse_embedding(orjson.dumps({**body, "model": "practice-embed-small"})))

    @given(SCHEMAS, st.text(max_size=80))
    def test_any_schema_is_answered_with_json(self, schema, text):
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        body = {
            "model": "practice-1",
            "messages": [{"role": "user", "content": text}],
            "response_format": form,
        }
        request = refused_or(lambda: parse_chat(orjson.dumps(body)))
        if request:
            assert isinstance(orjson.loads(complete(request.ask).replies[0].text), dict)

    @given(SCHEMAS, st.text(max_size=80))
    def test_any_tool_is_called_or_not(self, parameters, text):
        tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
        asked = {"messages": [{"role": "user", "content": text}], "tools": [tool], "tool_choice": "required"}
        request = refused_or(lambda: parse_chat(orjson.dumps({"model": "practice-1", **asked})))
        if request:
            assert complete(request.ask).replies[0].call.name == "f"

    @given(
        st.lists(st.tuples(st.sampled_from(("system", "user", "assistant", "tool")), st.text()), min_size=1)
    )
    def test_any_conversation_is_answered(self, messages):
        assert isinstance(ask(messages, temperature=0.7).replies[0].text, str)
