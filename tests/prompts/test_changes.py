"""What changed between two versions of a prompt."""

from typing import Any

from app.prompts.changes import EXAMPLES, compare_specs, sections_of, shortened, whole

SYSTEM = {"role": "system", "content": "Answer shortly.\nBe kind."}
USER = {"role": "user", "content": "{{question}}"}


def _example(asked: str, answer: str) -> list[dict[str, Any]]:
    return [
        {"role": "user", "name": "example", "content": asked},
        {"role": "assistant", "name": "example", "content": answer},
    ]


def _spec(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "template": list(messages)} | more


def test_examples_that_stand_together_are_one_section() -> None:
    sections = sections_of(_spec(SYSTEM, *_example("a", "b"), *_example("c", "d"), USER))
    assert [section.title for section in sections] == ["System", EXAMPLES, "User"]
    assert sections[1].text == "a\n→ b\n\nc\n→ d"
    assert sections[1].examples == 2


def test_words_settings_tools_and_examples_are_counted() -> None:
    before = _spec(SYSTEM, USER, temperature=0.2)
    after = _spec(
        {"role": "system", "content": "Answer very shortly.\nBe kind."},
        *_example("a", "b"),
        USER,
        temperature=0,
        tools=[{"name": "look_up", "description": "Looks."}],
    )
    changes = compare_specs(before, after)
    assert changes.summary == "1 line, 1 example, 1 setting and 1 tool changed"
    assert [(section.title, section.state) for section in changes.sections] == [
        ("System", "changed"),
        (EXAMPLES, "added"),
        ("User", "same"),
    ]
    assert {setting.name for setting in changes.changed_settings} >= {"temperature"}
    assert not changes.is_same


def test_the_same_spec_has_no_changes() -> None:
    changes = compare_specs(_spec(SYSTEM, USER), _spec(SYSTEM, USER))
    assert changes.is_same
    assert changes.summary == "Nothing changed"


def test_an_example_that_was_rewritten_counts_once() -> None:
    before = _spec(*_example("a", "b"), *_example("c", "d"))
    after = _spec(*_example("a", "b"), *_example("c", "other"))
    assert compare_specs(before, after).summary == "1 example changed"


def test_a_text_template_is_one_section() -> None:
    changes = compare_specs({"template": "Say {{word}}"}, {"template": "Shout {{word}}"})
    assert [section.title for section in changes.sections] == ["Text"]
    assert changes.summary == "1 line changed"


def test_long_diffs_are_cut_and_say_by_how_much() -> None:
    text = "\n".join(f"line {n}" for n in range(100))
    section = compare_specs(_spec(), _spec({"role": "system", "content": text})).sections[0]
    kept, left = shortened(section.diff.rows, 12)
    assert (len(kept), left) == (12, 88)
    assert len(whole(section.diff.rows)) == 100
