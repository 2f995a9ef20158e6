"""Calls of tools in plain templates: what is read as one, what it takes, and that its answer is never read again."""

import tracemalloc

import pytest

from app.core.template import MissingInputs
from app.prompts.dotprompt import parse, write
from app.prompts.tool_calls import Argument, PromptTemplate, read_call


@pytest.mark.parametrize(
    ("call", "tool", "arguments"),
    [
        ('hours("berlin")', "hours", [Argument("berlin")]),
        ("look-up_2(word)", "look-up_2", [Argument(variable="word")]),
        ('a/b/hours( "two words" ,\tday, 7,"7",-1 )', "a/b/hours",
         [Argument("two words"), Argument(variable="day"), Argument("7"), Argument("7"), Argument("-1")]),
        ('hours("a, b", c-d)', "hours", [Argument("a, b"), Argument(variable="c-d")]),
        ('hours("")', "hours", [Argument("")]),
        ('hours("Zürich, St. Moritz (10:30)")', "hours", [Argument("Zürich, St. Moritz (10:30)")]),
    ],
)  # fmt: skip
def test_a_call_is_read(call: str, tool: str, arguments: list[Argument]) -> None:
    read = read_call(call)
    assert read.is_readable
    assert (read.text, read.tool, list(read.arguments)) == (call, tool, arguments)


@pytest.mark.parametrize(
    "call", ["x(a b)", 'x("a)', 'x("a"b)', "x(,)", "x(a,)", "x(,a)", "x( )", 'x("a""b")', "x()", "x('a')", "x(user.city)", "x(1.5)", 'x(key="a")',
             "x(a, b:c)", "x((a))", "x(" + "a," * 5_000 + "a)"]
)  # fmt: skip
def test_arguments_that_cannot_be_told_apart_are_no_inputs(call: str) -> None:
    read = read_call(call)
    assert (read.is_readable, read.variables) == (False, [])
    assert PromptTemplate("{{ " + call + " }}").calls == (read,)


def test_a_call_that_does_not_end_takes_no_time() -> None:
    tracemalloc.start()
    try:
        PromptTemplate("{{ h(" + "," * 4_000_000 + ") }}")
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_the_variables_of_calls_are_inputs_in_their_order() -> None:
    template = PromptTemplate(
        '{{ hours(city, "x", day) }} {{style}} {{hours(city, "x", day)}} {{ more(style) }}'
    )
    assert template.variables == ["city", "day", "style"]
    assert [call.text for call in template.calls] == ['hours(city, "x", day)', "more(style)"]
    with pytest.raises(MissingInputs) as missing:
        template.render({"city": "Berlin"}, {})
    assert missing.value.names == ["day", "style"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ look up(word) }}",
        "{{ look-up (word) }}",
        '{{ look-up("{") }}',
        "look-up(word)",
        "{look-up(word)}",
        "{{ a.b(c) }}",
    ],
)
def test_what_is_no_call_stays_as_it_is(text: str) -> None:
    template = PromptTemplate(text)
    assert (template.calls, template.variables, template.render({})) == ((), [], text)


def test_what_is_filled_in_is_not_read_again() -> None:
    template = PromptTemplate('{{ say("a") }}{{name}}{{ say("b") }}')
    answers = {'say("a")': '{{name}} {{ say("b") }} \\1 \\g<0>', 'say("b")': "{{secret}}"}
    rendered = template.render({"name": '{{ say("a") }}', "secret": "no"}, answers)
    assert rendered == '{{name}} {{ say("b") }} \\1 \\g<0>{{ say("a") }}{{secret}}'


def test_without_answers_a_call_is_an_input_of_its_name_or_stays() -> None:
    template = PromptTemplate('{{ say("a") }} {{say("b")}}')
    assert template.render({'say("a")': "{{x}}"}) == '{{x}} {{ say("b") }}'


def test_a_prompt_file_keeps_calls() -> None:
    spec = {"model": "m", "template": [{"role": "user", "content": 'At {{ shop/hours("x", day) }} <b>'}]}
    assert parse(write(spec))["template"] == spec["template"]
