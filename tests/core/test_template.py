import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import DomainError
from app.core.template import MissingInputs, compile_template, render, variables

names = st.from_regex(r"[a-zA-Z_][a-zA-Z_\d]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("Hello {{name}}, {{ place }} and {{name}}", ["name", "place"]),
        ("{{log.messages[0].content}}", ["log.messages[0].content"]),
        ("no {name} or {{}} or {{ two words }} or {{  spaced  }} or {{a-b}}", []),
        ("{{{name}}}", ["name"]),
        ("", []),
    ],
)
def test_variables_in_order_of_appearance(template, found):
    assert variables(template) == found


def test_variables_of_messages_and_their_parts():
    template = [
        {"role": "system", "content": "You know {{topic}}."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "{{question}} on {{topic}}"},
                {"type": "image_url", "image_url": {"url": "{{picture}}", "detail": "low"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ]
    inputs = {"topic": "cards", "question": "Why?", "picture": "https://example.org/a.png"}

    assert variables(template) == ["topic", "question", "picture"]
    assert render(template, inputs) == [
        {"role": "system", "content": "You know cards."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Why? on cards"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ]
    assert template[0]["content"] == "You know {{topic}}."


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (0.5, "0.5"), (True, "True"), ({"a": "é"}, '{"a": "é"}'), ([1, None], "[1, null]"), ("", "")],
)
def test_other_values_become_text(value, text):
    assert render("<{{x}}>", {"x": value}) == f"<{text}>"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log.output", "Paris"),
        ("log.messages[0].content", "Hi"),
        ("log.messages.1.content", "there"),
        ("log.messages[0]", '{"content": "Hi"}'),
        ("log[output]", "Paris"),
        ("testcase.target.a", "1"),
        ("flat.name", "column"),
    ],
)
def test_names_reach_into_objects_and_lists(name, text):
    inputs = {
        "log": {"output": "Paris", "messages": [{"content": "Hi"}, {"content": "there"}]},
        "testcase": {"target": {"a": 1}},
        "flat.name": "column",
        "flat": {"name": "object"},
    }
    assert render("{{" + name + "}}", inputs) == text


@pytest.mark.parametrize(
    "name",
    [
        "gone",
        "log.gone",
        "log.messages[7]",
        "log.messages[x]",
        "log.output.upper",
        "log.output[0]",
        "log..output",
        "[0]",
        "log[",
        "nothing",
        "log.nothing",
        "log.messages[99999999999999999999]",
        "log.__class__",
        "log.items",
    ],
)
def test_what_is_not_there_is_missing_and_never_an_attribute(name):
    with pytest.raises(MissingInputs) as caught:
        render(
            "{{" + name + "}}", {"log": {"output": "x", "messages": [1], "nothing": None}, "nothing": None}
        )
    assert caught.value.names == [name]


def test_all_missing_names_are_listed_sorted_with_a_status():
    with pytest.raises(MissingInputs, match="needs a, b, c") as caught:
        render([{"role": "user", "content": "{{c}} {{a}} {{given}} {{b}}"}], {"given": 1})

    assert isinstance(caught.value, DomainError)
    assert caught.value.status == 422
    assert caught.value.detail == {"missing": ["a", "b", "c"]}


def test_what_is_filled_in_is_never_read_again():
    inputs = {"a": "{{b}}", "b": r"\1 \g<0> {{a}}"}

    assert render("{{a}} {{b}}", inputs) == r"{{b}} \1 \g<0> {{a}}"


@given(st.lists(st.tuples(st.text(alphabet="ab {}\\$", max_size=8), names), max_size=6), st.data())
def test_rendering_puts_values_between_the_literals(parts, data):
    values = {name: data.draw(st.text(max_size=12)) for _, name in parts}
    literals = [literal.replace("{", "(").replace("}", ")") for literal, _ in parts]
    template = "".join(
        literal + "{{" + name + "}}" for literal, (_, name) in zip(literals, parts, strict=True)
    )

    expected = "".join(literal + values[name] for literal, (_, name) in zip(literals, parts, strict=True))
    assert render(template, values) == expected


@given(st.text(max_size=80), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_any_text_renders_or_names_what_is_missing(template, inputs):
    if set(variables(template)) <= set(inputs):
        assert isinstance(render(template, inputs), str)
    else:
        with pytest.raises(MissingInputs):
            render(template, inputs)


def test_one_compiled_template_serves_thousands_of_rows_quickly():
    compiled = compile_template(
        [
            {
                "role": "system",
                "content": "Choose an intent:\n" + "\n".join(f"- intent {n}" for n in range(77)),
            },
            {"role": "user", "content": "Message: {{message}}\nIntent:"},
        ]
    )
    started = time.process_time()
    rows = [compiled.render({"message": f"row {number}"}) for number in range(10_000)]

    assert time.process_time() - started < 1
    assert rows[7][1]["content"] == "Message: row 7\nIntent:"
    rows[0][0]["content"] = "changed by a caller"
    assert compiled.render({"message": "x"})[0]["content"].startswith("Choose")


def test_hostile_templates_compile_in_linear_time():
    started = time.process_time()
    assert variables("{{" * 500_000) == []
    assert variables("{{a" * 300_000) == []
    assert variables("{{ " + "a." * 300_000) == []
    assert time.process_time() - started < 2
