import pytest

from app.evaluators.forms import FormField, form_fields, read_form
from app.evaluators.kinds import all_kinds, kind


def fields(name):
    return {field.name: field for field in form_fields(kind(name).Options)}


def test_fields_say_what_they_are():
    found = fields("numeric")

    assert list(found) == ["target_field", "find", "absolute", "relative", "decimal_comma"]
    assert found["find"].choices == ("last", "first", "whole")
    assert [field.widget for field in found.values()] == ["text", "select", "number", "number", "checkbox"]
    assert found["target_field"].label == "Target field"
    assert found["relative"].help.startswith("How far it may be from the target, as a share")
    assert not found["absolute"].required


def test_the_judges_form_has_every_widget():
    found = fields("llm_judge")

    assert found["model"].required
    assert {field.widget for field in found.values()} == {
        "text",
        "multiline",
        "select",
        "number",
        "lines",
        "checkbox",
        "json",
    }
    assert (found["temperature"].widget, found["temperature"].initial) == ("number", 0)
    assert found["rubric"].initial.startswith("Is the answer correct?")


def test_a_field_says_which_choice_it_belongs_to():
    found = fields("llm_judge")

    assert found["choices"].only_where == ("verdict", ("select",))
    assert found["lowest"].only_where == ("verdict", ("number",))
    assert found["rubric"].only_where is None


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_a_field_belongs_to_a_choice_that_there_is(kind):
    found = fields(kind.name)

    for field in found.values():
        if field.only_where:
            other, held = field.only_where
            assert set(held) <= set(found[other].choices)


def test_settings_are_shown_as_text():
    field = FormField("x", "X", "", "text", None)

    assert [field.shown(value) for value in (None, "a", 0.5, 3.0, ("a", "b"), True)] == [
        "",
        "a",
        "0.5",
        "3",
        "a\nb",
        "True",
    ]


def test_a_form_becomes_settings():
    form = {
        "model": " practice ",
        "provider": "",
        "rubric": "Is {{log.output}}\r\nright?",
        "verdict": "select",
        "choices": " good \r\n\r\nbad",
        "wanted": "higher",
        "temperature": "0.5",
        "csrf": "x",
    }
    settings = read_form(kind("llm_judge").Options, form)

    assert settings == {
        "model": "practice",
        "rubric": "Is {{log.output}}\nright?",
        "verdict": "select",
        "choices": ["good", "bad"],
        "good": [],
        "bad": [],
        "wanted": "higher",
        "fence": False,
        "temperature": "0.5",
        "examples": [],
        "panel": [],
    }
    options = kind("llm_judge").prepare(settings).options
    assert (options.temperature, options.choices, options.fence) == (0.5, ("good", "bad"), False)


def test_lines_may_come_as_many_values():
    assert read_form(kind("json_valid").Options, {"required": ["a", "b.c"]})["required"] == ["a", "b.c"]


NEEDED = {
    "database": "0" * 64,
    "chosen_by": "testcase.metadata.assertions",
    "json_schema": '{\n  "type": "object"\n}',
    "prompt": '{\n  "model": "gpt-4o",\n  "template": "{{log.output}}"\n}',
}


@pytest.mark.parametrize("one", all_kinds(), ids=lambda one: one.name)
def test_what_a_new_form_holds_survives_it(one):
    fields = form_fields(one.Options)
    sent = {
        field.name: NEEDED.get(field.name) or ("needed" if field.required else field.shown(field.initial))
        for field in fields
    }
    bound = one.prepare(
        read_form(one.Options, {name: text for name, text in sent.items() if text != "False"})
    )

    assert {field.name: field.shown(getattr(bound.options, field.name)) for field in fields} == sent
