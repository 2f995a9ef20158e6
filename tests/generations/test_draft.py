"""The editor's form: what was typed, and the version that it makes."""

import json
from typing import Any

import pytest

from app.core.errors import Invalid
from app.generations.draft import FOLDED, apply, draft_of, extra_of, folded, read_draft, spec_of
from app.generations.message_parts import parts_of
from app.prompts.spec import parse_spec

SPEC: dict[str, Any] = {
    "model": "practice-1",
    "provider": "practice",
    "temperature": 0.0,
    "max_tokens": 50,
    "stop": ["END", "STOP"],
    "seed": 7,
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    "tools": [{"name": "look", "description": "Looks.", "parameters": {"type": "object"}}],
    "attributes": {"team": "a"},
    "template": [
        {"role": "system", "content": "Answer."},
        {"role": "user", "name": "example", "content": "a\n"},
        {"role": "assistant", "name": "example", "content": "b"},
        {"role": "user", "content": [{"type": "text", "text": "{{question}}"}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        },
    ],
}


def _form(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """What a browser sends for a version that is opened and not touched."""
    draft = draft_of(spec)
    form = [(name, value.replace("\n", "\r\n")) for name, value in draft.values.items()]
    form += [("rest", json.dumps(draft.rest)), ("is_text", "1" if draft.is_text else "")]
    for place, message in enumerate(draft.messages):
        content = message.get("content")
        form += [
            ("role", message["role"]),
            ("name", message.get("name") or ""),
            ("content", content.replace("\n", "\r\n") if isinstance(content, str) else ""),
            ("extra", extra_of(message)),
        ]
        for part in parts_of(message):
            form += [("part.at", str(place)), ("part.kind", part.kind)]
            form += [("part.text", part.text), ("part.detail", part.detail)]
    return form


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        {"model": "m", "template": "Say {{word}}", "stop": "x", "endpoint": "complete"},
        {"model": "m", "template": [], "reasoning_effort": 500, "other": {"logprobs": True}},
        {"model": "m", "response_format": {"type": "json_object"}, "top_p": 0.123456789, "template": []},
    ],
)
def test_opening_and_sending_a_version_makes_the_same_version(spec: dict[str, Any]) -> None:
    before = parse_spec(spec).content()
    after = spec_of(read_draft(_form(before))).content()
    for message in after.get("template", []):
        if isinstance(message, dict) and message.get("content") == "" and message.get("tool_calls"):
            del message["content"]  # a call without a text and one with an empty text say the same
    assert after == before


def test_folded_examples_come_back_in_their_place() -> None:
    spec = {"model": "m", "template": [
        message
        for n in range(10)
        for message in (
            {"role": "user", "name": "example", "content": f"q{n}"},
            {"role": "assistant", "name": "example", "content": f"a{n}"},
        )
    ]}  # fmt: skip
    block = draft_of(spec).blocks[0]
    form = [("model", "m")]
    for message in (each for example in block.examples[:6] for each in example.messages):
        form += [
            ("role", message["role"]),
            ("name", "example"),
            ("content", message["content"]),
            ("extra", ""),
        ]
    form += [("role", FOLDED), ("name", ""), ("content", folded(block.examples[6:])), ("extra", "")]
    assert read_draft(form).messages == spec["template"]


def test_every_wrong_field_is_named() -> None:
    draft = draft_of({"model": ""})
    draft.values |= {
        "temperature": "warm",
        "seed": "1.5",
        "tools": "{",
        "other": "[]",
        "output": "json_schema",
    }
    with pytest.raises(Invalid) as caught:
        spec_of(draft)
    assert set(caught.value.fields) == {"model", "temperature", "seed", "tools", "other", "json_schema"}


def test_a_value_out_of_range_is_named_by_its_field() -> None:
    draft = draft_of({"model": "m"})
    draft.values["temperature"] = "3"
    with pytest.raises(Invalid) as caught:
        spec_of(draft)
    assert "temperature" in caught.value.fields


def test_buttons_add_move_and_remove() -> None:
    draft = draft_of({"template": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]})
    apply(draft, "add:example")
    assert [message["role"] for message in draft.messages] == ["system", "user", "assistant", "user"]
    assert [len(block.examples) for block in draft.blocks] == [0, 1, 0]
    apply(draft, "down:1")
    assert [message["content"] for message in draft.messages] == ["s", "u", "", ""]
    apply(draft, "drop:2")
    apply(draft, "remove:0")
    assert [message["content"] for message in draft.messages] == ["u"]
    for nonsense in ("up:0", "down:9", "remove:x", "add:emperor", "", "fly"):
        apply(draft, nonsense)
    assert len(draft.messages) == 1


def test_a_form_that_was_tampered_with_is_refused() -> None:
    with pytest.raises(Invalid):
        read_draft([("role", "user"), ("content", "x")])
    with pytest.raises(Invalid):
        read_draft([("rest", "{")])
