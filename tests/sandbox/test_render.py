"""Jinja templates of users: what is right is filled in, what is wrong has its line, and nothing gets out."""

import subprocess
import sys
import time

import pytest

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, Sandbox

INPUTS = {"name": "Ada", "items": [{"n": 1}, {"n": 2}], "text": "<b>&</b>", "empty": None, "{{ trap }}": 1}


def render(sandbox: Sandbox, *templates: str, wall_s: float = 5.0) -> Answer:
    return sandbox.run(
        "render", {"templates": list(templates), "inputs": INPUTS}, limits=Limits(wall_s=wall_s)
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hello {{ name }}!", "Hello Ada!"),
        ("{% for i in items %}{{ loop.index }}:{{ i.n }} {% endfor %}", "1:1 2:2 "),
        ("{% if empty is none %}no{% else %}yes{% endif %}", "no"),
        ("{{ text }}", "<b>&</b>"),
        ("{{ text | e }}", "&lt;b&gt;&amp;&lt;/b&gt;"),
        ("{{ items | tojson }}", '[{"n": 1}, {"n": 2}]'),
        ("{{ nothing | default('-') }}", "-"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(name) }}", "[Ada]"),
        ("{% set x = namespace(n=0) %}{% for i in items %}{% set x.n = x.n + i.n %}{% endfor %}{{ x.n }}", "3"),
        ("{# said to nobody #}a\n", "a\n"), ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ items | map(attribute='n') | sum }} {{ 'a,b'.split(',') | join('+') }}", "3 a+b"),
        ("{{ '%.2f' | format(1.005) }} {{ name | upper }} {{ name[::-1] }}", "1.00 ADA adA"),
        ("", ""), ("ä€😀", "ä€😀"),
    ],
)  # fmt: skip
def test_templates_are_filled_in(template: str, text: str, any_sandbox: Sandbox) -> None:
    assert render(any_sandbox, template) == Answer([text])


def test_several_at_once(any_sandbox: Sandbox) -> None:
    assert render(any_sandbox, "{{ name }}", "b").value == ["Ada", "b"]


@pytest.mark.parametrize(
    ("template", "error", "line"),
    [
        ("a\n{{ nothing }}", "'nothing' is undefined", 2),
        ("a\n\n{{ name.x.y }}", "'str object' has no attribute 'x'", 3),
        ("{% for i in items %}\n{{ i.z }}{% endfor %}", "'dict object' has no attribute 'z'", 2),
        ("a\n{% if %}", "Expected an expression, got 'end of statement block'", 2),
        ("{% for %}", "Expected an expression, got 'end of statement block'", 1),
        ("\n{% endfor %}", "Encountered unknown tag 'endfor'.", 2),
        ("{{ name", "unexpected end of template", 1),
        ("x\n{{ name | nofilter }}", "No filter named 'nofilter'.", 2),
        ("{{ 1 / 0 }}", "division by zero", 1),
        ("\n{{ [] [3] }}", "list object has no element 3", 2),
        ("{{ name + 1 }}", "can only concatenate str", 1),
    ],
)  # fmt: skip
def test_errors_have_their_line(template: str, error: str, line: int, any_sandbox: Sandbox) -> None:
    answer = render(any_sandbox, template)
    assert answer.error is not None
    assert error in answer.error
    assert (answer.line, answer.value) == (line, None)


def test_names_are_those_taken_from_outside(any_sandbox: Sandbox) -> None:
    templates = ["{{ b }}{% set c = 1 %}{{ c }}", "{% for i in a %}{{ i }}{% endfor %}{{ range(3) }}"]
    asked = {"templates": templates, "names": True, "inputs": {}}
    assert any_sandbox.run("render", asked) == Answer(["a", "b"])
    assert any_sandbox.run("render", {**asked, "templates": ["{{"]}).line == 1


INJECTIONS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__base__.__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].system('id') }}",
    "{{ joiner.__init__.__globals__.os }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context.environment }}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ name|attr('__cla' ~ 'ss__') }}",
    "{{ name['__class__'] }}",
    "{{ range.__class__ }}",
    "{{ '{0.__class__.__mro__}'.format(name) }}",
    "{{ '{x.__class__}'.format_map({'x': name}) }}",
    "{{ ('{0.__class__}' | string).format(name) }}",
    "{{ [''] | map(attribute='__class__') | join }}",
    "{{ [''] | map(attribute='__class__') | list }}",
    "{{ [''] | map('attr', '__class__') | list }}",
    "{{ items | groupby('__class__') }}",
    "{{ items.append(1) }}",
    "{{ items.__setitem__(0, 1) }}",
    "{{ dict.__base__ }}",
    "{% import 'os' as os %}{{ os }}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% from '/etc/passwd' import x %}",
    "{{ caller.__globals__ }}",
    "{% macro m() %}{{ m.__globals__ }}{{ m._func.__globals__ }}{% endmacro %}{{ m() }}",
    "{{ loop.__class__ }}",
    "{% for i in items %}{{ loop._iterable.__class__ }}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{{ (1).__class__.__bases__ }}",
    "{{ url_for.__globals__ }}",
    "{{ config }}",
    "{{ request.application }}",
    "{% set x = cycler.__class__ %}{{ x.mro() }}",
]


@pytest.mark.parametrize("template", INJECTIONS)
def test_nothing_is_reached(template: str, any_sandbox: Sandbox) -> None:
    """By Jinja's own sandbox; behind it there is ours."""
    answer = render(any_sandbox, template)
    said = "".join(answer.value) if isinstance(answer.value, list) else ""
    assert not any(trace in said for trace in ("<class", "<module", "<function", "uid=", "root:", "{'__")), (
        answer
    )
    assert answer.error or said == "" or "bound method" in said or "Undefined" in said, answer


BOMBS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{{ 'x' * 10 ** 9 }}",
    "{{ 'x'.center(10 ** 9) }}",
    "{{ 'x'.ljust(10 ** 10) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ range(10 ** 9) | list }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ [0] * 10 ** 9 }}",
    "{% set x = namespace(s='x') %}{% for i in range(64) %}{% set x.s = x.s ~ x.s %}{% endfor %}{{ x.s }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ lipsum(n=100000) }}",
    "{{ 'x' | indent(10 ** 9, true) }}",
    "{{ ('x' * 10 ** 6) | wordwrap(1) }}",
    "{{ items | batch(10 ** 9, 0) | list }}",
    "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
    "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "{{ " + "not " * 20_000 + "1 }}",
]


@pytest.mark.parametrize("template", BOMBS, ids=lambda template: template[:40])
def test_nothing_grows_without_end(template: str, any_sandbox: Sandbox) -> None:
    begun = time.monotonic()
    answer = render(any_sandbox, template, wall_s=1.0)
    assert answer.value is None
    assert answer.error
    assert time.monotonic() - begun < 3.0
    assert render(any_sandbox, "{{ name }}").value == ["Ada"]


def test_names_that_could_not_be_read_are_asked_for_again() -> None:
    """A template is kept for as long as the process: it must not have no names for ever since the sandbox was busy once."""
    code = """
import sys
from app.core.jinja_template import JinjaTemplate
from app.sandbox.selftest import state
assert state().engine
python, sys.executable = sys.executable, "/bin/false"
template = JinjaTemplate("{{ question }}")
print(template.variables)
sys.executable = python
print(template.variables)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['question']"]


def test_a_name_that_jinja_has_for_filler_text_is_an_inputs(any_sandbox: Sandbox) -> None:
    assert any_sandbox.run("render", {"templates": ["{{ lipsum }}"], "inputs": {"lipsum": "a"}}).value == [
        "a"
    ]
    assert "lipsum" in str(render(any_sandbox, "{{ lipsum() }}").error)
