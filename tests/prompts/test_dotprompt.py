"""`.prompt` and `.agent` files: what is written reads back as the same content, and what is wrong is told by its line."""

from typing import Any

import pytest
from hypothesis import given

from app.core import ids
from app.core.errors import Invalid
from app.prompts import dotprompt
from app.prompts.agents import AgentSpec
from app.prompts.spec import ModelSpec, PromptSpec, parse_as
from tests.prompts import specs

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
CHAT: dict[str, Any] = {
    "model": "gpt-4o",
    "temperature": 0.7,
    "provider": "openai",
    "template": [
        {"role": "system", "content": "Answer in {{style}}.\n\n  Shortly."},
        {"role": "user", "content": "1 + 1", "name": "example"},
        {"role": "assistant", "content": "2", "name": "example"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png?x=1&y=2"}},
            ],
        },
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "name": "weather", "tool_call_id": "call_1", "content": "Cloudy."},
    ],
    "tools": [
        {"name": "weather", "description": "The weather.", "strict": True, "parameters": {"type": "object"}}
    ],
}
TEXT = """---
model: gpt-4o
temperature: 0.7
provider: openai
endpoint: chat
tools: [{"name": "weather", "description": "The weather.", "strict": true, "parameters": {"type": "object"}}]
---

<system>
  Answer in {{style}}.

    Shortly.
</system>

<user name="example">
  1 + 1
</user>

<assistant name="example">
  2
</assistant>

<user>
  <text>
    What is this?
  </text>
  <image url="https://example.com/a.png?x=1&amp;y=2" />
</user>

<assistant>
  <tool name="weather" id="call_1">
    {"city":"Paris"}
  </tool>
</assistant>

<tool name="weather" id="call_1">
  Cloudy.
</tool>
"""


def _same(kind: type[ModelSpec], spec: dict[str, Any]) -> None:
    content = kind.model_validate(spec).content()
    text = dotprompt.write(content)
    again = parse_as(kind, dotprompt.parse(text)).content()
    assert ids.canonical_json(again) == ids.canonical_json(content), text


def test_a_file_as_people_read_it() -> None:
    assert dotprompt.write(CHAT) == TEXT
    assert dotprompt.parse(TEXT) == {**CHAT, "endpoint": "chat"}


@given(specs.PROMPTS)
def test_every_prompt_reads_back_as_the_same_version(spec: dict[str, Any]) -> None:
    _same(PromptSpec, spec)


@given(specs.AGENTS)
def test_every_agent_reads_back_as_the_same_version(spec: dict[str, Any]) -> None:
    _same(AgentSpec, spec)


def test_a_completion_is_its_text() -> None:
    text = dotprompt.write(
        {"model": "m", "endpoint": "complete", "template": "<user>\nOnce {{upon}}\n  a time"}
    )
    assert text == "---\nmodel: m\nendpoint: complete\n---\n\n<user>\nOnce {{upon}}\n  a time\n"
    assert dotprompt.parse(text)["template"] == "<user>\nOnce {{upon}}\n  a time"


def test_what_tags_cannot_say_is_said_in_json() -> None:
    thought = {"role": "assistant", "content": "4", "thinking": [{"type": "thinking", "thinking": "2 + 2"}]}
    looks = {"role": "user", "content": "<text>no part</text>"}
    text = dotprompt.write({"model": "m", "template": [thought, looks]})
    assert '<assistant as="json">' in text
    assert '<user as="json">' in text
    assert dotprompt.parse(text)["template"] == [thought, looks]


def _read(body: str, front: str = "model: m") -> Any:
    return dotprompt.parse(f"---\n{front}\n---\n{body}").get("template")


@pytest.mark.parametrize(
    ("body", "template"),
    [
        ("<user>\nnot indented\n</user>", [{"role": "user", "content": "not indented"}]),
        ("<user>in one line</user>", [{"role": "user", "content": "in one line"}]),
        (
            '<user><text>What?</text><image url="https://x/?a=1&copy=2" /></user>',
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What?"},
                        {"type": "image_url", "image_url": {"url": "https://x/?a=1&copy=2"}},
                    ],
                }
            ],
        ),
        (
            '<assistant><tool name="f" id="1">{}</tool></assistant>',
            [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                }
            ],
        ),
        (
            "<user>\n  a\n</user>\n<user>\nb\n</user><user>c</user>",
            [{"role": "user", "content": text} for text in "abc"],
        ),
        ("<user>\n  if a < b: </system>\n</user>", [{"role": "user", "content": "if a < b: </system>"}]),
        ("<user>\n</user>", [{"role": "user", "content": ""}]),
        ("<developer>\n  {{a.b[0]}}\n</developer>", [{"role": "developer", "content": "{{a.b[0]}}"}]),
        ("Just text", "Just text"),
        ("", None),
    ],
)
def test_files_that_people_wrote(body: str, template: Any) -> None:
    assert _read(body) == template


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    assert dotprompt.parse("\ufeff" + TEXT.replace("\n", "\r\n")) == dotprompt.parse(TEXT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Line 1: begin with the line ---"),
        ("model: m", "Line 1: begin with the line ---"),
        ("text\n---\nmodel: m\n---", "Line 1: begin with the line ---"),
        ("---\nmodel: m\ntools: [1\n---\n", "Line 4"),
        ("---\n- a\n---\n", "write settings as `name: value`"),
        ("---\nmodel: !!python/object:os.system x\n---\n", "Line 2"),
        ("---\nmodel: m\n---\n\n<user>\n  a\n", "Line 5: <user> does not end: write </user> after it."),
        ("---\nmodel: m\n---\n<user>\n  a\n</user>\n\nb\n", "Line 8: “b” stands outside of a tag"),
        (
            "---\nmodel: m\n---\n<user>\n  <text>\n    a\n  </text>\n  b\n</user>",
            "Line 8: “b” stands outside",
        ),
        ("---\nmodel: m\n---\n<user>\n  <image />\n</user>", "Line 5: give the image an address"),
        (
            "---\nmodel: m\n---\n<user>\n  <tool>{}</tool>\n</user>",
            "Line 5: give the tool call its name and id",
        ),
        ('---\nmodel: m\n---\n<user as="json">\n  {\n</user>', "Line 5: this is not JSON"),
        ('---\nmodel: m\n---\n<user as="json">\n  []\n</user>', "write the message as one JSON object"),
        ("---\nmodel: m\ntemplate: a\n---\nb", "not both"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        dotprompt.parse(text)
    assert said in caught.value.message


def test_a_file_cannot_unfold_to_more_than_is_stored() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for front in (
        f"model: m\nattributes:\n  {bomb.strip().replace(chr(10), chr(10) + '  ')}",
        "model: m\nother: {a: &x [*x]}",
    ):
        with pytest.raises(Invalid):
            parse_as(PromptSpec, dotprompt.parse(f"---\n{front}\n---\n"))


@pytest.mark.parametrize(
    "body",
    ["<user>\n" * 200_000, "  <user>\n  x</user>\n" * 60_000, "<user>" + " " * 1_000_000, "<user " * 200_000],
)
def test_reading_takes_no_square_of_the_text(body: str) -> None:
    try:
        found = _read(body)
    except Invalid:
        return
    assert isinstance(found, list)
