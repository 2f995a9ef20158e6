"""Images in the editor's form: nothing of a message is lost, whatever its parts are, and buttons add, move and remove."""

import copy
from typing import Any

import pytest

from app.core.errors import Invalid
from app.generations.draft import apply, draft_of, extra_of, read_draft, spec_of
from app.generations.message_parts import image_inputs, parts_of
from app.prompts.spec import parse_spec
from tests.pictures import PNG, data_url

PICTURE = data_url(PNG)
ODD = [
    {"type": "text", "text": " a\nb "},
    {"type": "text"},
    {"type": "image_url"},
    {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "{{photo}}"}},
    {"type": "image_url", "text": "both", "image_url": {"url": "https://example.com/a.png"}},
    {"type": "text", "text": ""},
]


def sent(messages: list[dict[str, Any]], **more: str) -> list[tuple[str, str]]:
    """What a browser sends for messages that nobody touched, but for one content that was typed where there is none."""
    form = [("model", "m"), *more.items()]
    for place, message in enumerate(messages):
        content = message.get("content")
        form += [("role", message["role"]), ("name", message.get("name") or ""), ("extra", extra_of(message))]
        form.append(("content", content if isinstance(content, str) else ""))
        for part in parts_of(message):
            form += [("part.at", str(place)), ("part.kind", part.kind)]
            form += [("part.text", part.text.replace("\n", "\r\n")), ("part.detail", part.detail)]
    return form


@pytest.mark.parametrize(
    "content",
    [
        ODD,
        ODD[3:4],
        [],
        [{"type": "text", "text": "alone"}],
        [{"type": "image_url", "image_url": {"url": " x"}}],
    ],
)
def test_parts_come_back_as_they_were(content: list[dict[str, Any]]) -> None:
    template = [
        {"role": "system", "content": "Look."},
        {"role": "user", "name": "example", "content": content},
        {"role": "assistant", "name": "example", "content": "A cat."},
        {"role": "user", "content": content},
    ]
    before = parse_spec({"model": "m", "template": template}).content()
    draft = read_draft(sent(copy.deepcopy(before["template"])))
    if content and content[0].get("image_url", {}).get("url") == " x":
        assert draft.messages[3]["content"][0]["image_url"]["url"] == "x", (
            "spaces around an address mean nothing"
        )
    else:
        assert parse_spec({"model": "m", "template": draft.messages}).content() == before


def test_what_is_typed_into_a_message_that_only_called_tools_stays() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    for content in (None, []):
        form = sent([{"role": "assistant", "content": content, "tool_calls": [call]}])
        form = [(name, "Looking" if name == "content" else value) for name, value in form]
        assert read_draft(form).messages == [
            {"role": "assistant", "content": "Looking", "tool_calls": [call]}
        ]


def test_an_image_is_added_moved_and_removed() -> None:
    draft = draft_of({"model": "m", "template": [{"role": "user", "content": "What is it?"}]})
    apply(draft, "image:0")
    assert [part.kind for part in parts_of(draft.messages[0])] == ["text", "image"]
    with pytest.raises(Invalid, match="The image of message 1 is empty"):
        spec_of(draft)
    draft.messages[0]["content"][1]["image_url"]["url"] = "{{photo}}"
    assert spec_of(draft).content()["template"] == draft.messages
    assert (draft.variables, draft.image_inputs) == (["photo"], ["photo"])
    apply(draft, "part-up:0.1")
    assert [part.kind for part in parts_of(draft.messages[0])] == ["image", "text"]
    for nothing in (
        "part-up:0.0",
        "part-down:0.1",
        "part-up:0.7",
        "part-down:9.0",
        "image:9",
        "part-remove:0",
        "image:x",
    ):
        apply(draft, nothing)
    assert [part.kind for part in parts_of(draft.messages[0])] == ["image", "text"]
    apply(draft, "part-remove:0.0")
    assert draft.messages == [{"role": "user", "content": "What is it?"}], "a text alone is a text again"
    apply(draft, "image:0")
    apply(draft, "part-remove:0.0")
    apply(draft, "part-remove:0.0")
    assert draft.messages == [{"role": "user", "content": ""}]


def test_images_that_are_dropped_come_with_the_button() -> None:
    form = [*sent([{"role": "user", "content": "Both:"}]), ("image.new", PICTURE), ("image.new", PICTURE)]
    draft = read_draft(form)
    assert draft.messages == [{"role": "user", "content": "Both:"}], (
        "no part of it before the button says where"
    )
    apply(draft, "image:0")
    assert [part.text for part in parts_of(draft.messages[0])] == ["Both:", PICTURE, PICTURE]


def test_a_plain_text_with_an_image_is_a_message() -> None:
    draft = draft_of({"model": "m", "template": "What is it?"})
    apply(draft, "image:0")
    draft.messages[0]["content"][1]["image_url"]["url"] = "https://example.com/a.png"
    assert [message.role for message in spec_of(draft).template] == ["user"]
    apply(draft, "part-remove:0.1")
    assert spec_of(draft).template == "What is it?"


@pytest.mark.parametrize(
    "part",
    [("part.at", "x"), ("part.at", "0"), ("part.kind", "text")],
    ids=["no place", "too few fields", "no place at all"],
)
def test_fields_that_do_not_fit_are_refused(part: tuple[str, str]) -> None:
    more = [part, ("part.kind", "carried"), ("part.text", "["), ("part.detail", "")]
    with pytest.raises(Invalid, match="reload the page"):
        read_draft([*sent([{"role": "user", "content": "x"}]), *more])


def test_only_whole_images_are_image_inputs() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": url}}
        for url in ("{{photo}}", "https://example.com/{{id}}.png", "{{ second }}", "{{photo}}")
    ]
    assert image_inputs([{"role": "user", "content": content}]) == ["photo", "second"]
