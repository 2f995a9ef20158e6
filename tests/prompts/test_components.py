"""Which components of a prompt differ, and a version with some of them taken from another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.prompts.components import TITLES, changed_components, take, why_not_alone

SYSTEM = {"role": "system", "content": "Answer shortly.\nBe kind."}
USER = {"role": "user", "content": "Question: {{question}}"}


def _example(asked: str, answer: str) -> list[dict[str, Any]]:
    return [
        {"role": "user", "name": "example", "content": asked},
        {"role": "assistant", "name": "example", "content": answer},
    ]


def _spec(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "small", "template": list(messages)} | more


OLD = _spec(SYSTEM, USER, temperature=0.2)
NEW = _spec(
    {"role": "system", "content": "Answer very shortly.\nBe kind."},
    *_example("a", "b"),
    {"role": "user", "content": "Passage:\n{{passage}}\n\nQuestion: {{question}}\nThink first."},
    model="large",
    temperature=0,
    seed=3,
    tools=[{"name": "look_up"}],
    response_format={"type": "json_object"},
    attributes={"team": "support"},
)


def test_every_component_that_differs_is_named_with_its_size() -> None:
    assert [(change.component, change.size) for change in changed_components(OLD, NEW)] == [
        ("prompt_text", "2 lines"),
        ("examples", "1 example more"),
        ("context", "+passage"),
        ("model", "small to large"),
        ("parameters", "temperature 0.2 to 0, seed 3"),
        ("tools", "1 tool"),
        ("response_schema", "1 field"),
        ("attributes", "1 field"),
    ]


def test_what_no_model_sees_is_no_cause() -> None:
    [change] = changed_components(OLD, OLD | {"attributes": {"team": "support"}})
    assert (change.component, change.is_sent) == ("attributes", False)
    assert [change.is_sent for change in changed_components(OLD, NEW)] == [True] * 7 + [False]


def test_context_comes_with_the_lines_around_it_and_leaves_other_words() -> None:
    with_context = take(OLD, NEW, ["context"])["template"]
    assert with_context == [
        SYSTEM,
        {"role": "user", "content": "Passage:\n{{passage}}\n\nQuestion: {{question}}"},
    ]
    without = take(OLD, NEW, ["prompt_text"])["template"]
    assert without[1]["content"] == "Question: {{question}}\nThink first."
    assert without[0]["content"] == "Answer very shortly.\nBe kind."


def test_a_message_of_its_own_is_context_as_a_whole() -> None:
    new = _spec(SYSTEM, {"role": "user", "content": 'Known: {{ facts("all") }}'}, USER)
    assert [(c.component, c.size) for c in changed_components(_spec(SYSTEM, USER), new)] == [
        ("context", '+facts("all")')
    ]


def test_examples_stay_behind_the_message_that_they_follow() -> None:
    taken = take(OLD, NEW, ["examples"])["template"]
    assert taken == [SYSTEM, *_example("a", "b"), USER]
    removed = take(NEW, OLD, ["examples"])["template"]
    assert [message.get("name") for message in removed] == [None, None]


def test_templates_in_jinja_are_taken_whole() -> None:
    new = _spec(
        *_example("a", "b"),
        {"role": "user", "content": "{% if hint %}{{ hint }}{% endif %}"},
        template_language="jinja",
    )
    assert [change.component for change in changed_components(_spec(SYSTEM, USER), new)] == ["prompt_text"]


def test_a_text_and_messages_change_with_the_model_that_takes_them() -> None:
    new = {"model": "text", "endpoint": "complete", "template": "{{question}}"}
    old = _spec(SYSTEM, USER)
    assert [change.component for change in changed_components(old, new)] == ["prompt_text", "model"]
    assert why_not_alone(old, new, "model") == why_not_alone(old, new, "prompt_text") is not None
    assert why_not_alone(OLD, NEW, "model") is None


_LINES = st.sampled_from(["Be kind.", "Be short.", "", "Facts: {{facts}}", "{{question}}", "Think."])
_TEXTS = st.lists(_LINES, max_size=5).map("\n".join)
_MESSAGES = st.lists(
    st.builds(
        lambda role, content, example: (
            {"role": role, "content": content} | ({"name": "example"} if example else {})
        ),
        st.sampled_from(["system", "user", "assistant"]),
        _TEXTS,
        st.booleans(),
    ),
    max_size=5,
)
_SPECS = st.builds(
    lambda template, rest: {"model": "small"} | ({} if template is None else {"template": template}) | rest,
    st.none() | _MESSAGES | _TEXTS,
    st.dictionaries(
        st.sampled_from(["temperature", "seed", "tools", "response_format", "attributes", "provider"]),
        st.sampled_from([1, 2]).map(lambda n: n),
        max_size=3,
    ).map(lambda found: {key: [{"name": str(n)}] if key == "tools" else {"type": str(n)} if key in ("response_format", "attributes") else n for key, n in found.items()}),
)  # fmt: skip


@given(_SPECS, _SPECS)
def test_none_is_the_older_all_is_the_newer_and_what_differs_is_named(
    older: dict[str, Any], newer: dict[str, Any]
) -> None:
    assert take(older, newer, []) == older
    assert take(older, newer, list(TITLES)) == newer
    changed = [change.component for change in changed_components(older, newer)]
    assert bool(changed) == (older != newer)
    assert take(older, newer, changed) == newer, "what is not named does not matter"
    assert all(change.size for change in changed_components(older, newer))


@pytest.mark.parametrize("component", list(TITLES))
def test_one_component_alone_changes_no_other(component: Any) -> None:
    alone = take(OLD, NEW, [component])
    assert [change.component for change in changed_components(OLD, alone)] == [component]
