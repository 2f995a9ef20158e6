"""Template languages in prompts, inputs, rubrics and names are text: nothing is computed, and nothing grows without end."""

import time
import tracemalloc

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.core.template import MissingInputs, compile_template, render
from app.evaluators.kinds import kind
from tests import factories
from tests.evaluators.cases import execution, row
from tests.web import signed_in, with_key

PAYLOADS = [
    "{{ 7*7 }}", "{{7*'7'}}", "{{''.__class__.__mro__[1].__subclasses__()}}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}", "{{ lipsum.__globals__['os'].system('id') }}",
    "{{ request.application.__globals__.__builtins__.__import__('os') }}", "{{ ().__class__.__base__ }}",
    "{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}", "{{ 'x'*10**9 }}",
    "{{ 'x'.center(10**9) }}", "{{ '%1000000000d' % 1 }}", "{% include '/etc/passwd' %}", "{% set x = 1 %}{{ x|attr('y') }}",
    "{# comment #}", "{{ [].append(1) or 1 }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "<# 7*7 #>",
    "{0.__class__}", "{question!r:>1000000000}", "%(question)s", "$question", "@(7*7)", "{{=7*7}}", "{php}7*7{/php}",
    "T(java.lang.Runtime).getRuntime().exec('id')", "${jndi:ldap://127.0.0.1:9/x}",
]  # fmt: skip
assert len(PAYLOADS) >= 17


@pytest.mark.parametrize("payload", PAYLOADS)
def test_it_stays_as_it_is_in_templates_and_in_what_fills_them(payload: str) -> None:
    assert compile_template(payload).variables == []
    asked = "Answer: {{question}}"
    assert render(f"{payload} | {asked}", {"question": payload}) == f"{payload} | Answer: {payload}"


@pytest.mark.parametrize(
    "name", ["self", "config", "question.__class__", "a.__init__.__globals__", "a.keys", "a[__len__]"]
)
def test_a_name_reaches_inputs_only(name: str) -> None:
    with pytest.raises(MissingInputs):
        render(f"{{{{ {name} }}}}", {"question": "x", "a": {"b": []}})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_it_stays_as_it_is_before_a_judge(payload: str) -> None:
    prepared = kind("llm_judge").prepare({"model": "m", "rubric": "Judge {{log.output}} | " + payload})
    (call,) = prepared.calls(execution(payload), row("Paris"))
    said = "\n".join(str(message["content"]) for message in call.messages)

    assert said.count(payload) == 2, "once in the rubric, once in what it judges"
    assert "49" not in said.replace(payload, "")


def test_it_stays_as_it_is_in_names_and_pages(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(with_key(client, committed_team.admin), committed_team.admin)
    slug = committed_team.workspace.slug
    kept = [payload for payload in PAYLOADS if "/" not in payload]
    for number, payload in enumerate(kept):
        body = {
            "path": f"at {number} {payload}",
            "model": payload,
            "template": [{"role": "user", "content": payload}],
        }
        made = client.post("/v5/prompts", json=body)
        assert made.status_code == 200, made.text
        assert made.json()["path"] == body["path"]
        assert made.json()["template"][0]["content"] == payload
    import html

    page = html.unescape(client.get(f"/w/{slug}/files").text)
    assert all(f"at {number} {payload}" in page for number, payload in enumerate(kept))


@pytest.mark.parametrize(
    ("template", "inputs"),
    [
        ("{{a}}" * 200_000, {"a": "x" * 100_000}),
        ("".join(f"{{{{a[{'0' * n}1]}}}}" for n in range(1, 9)) * 1000, {"a": [1, "x" * 2_000_000]}),
        ("".join("{{a" + f"[{n}]" + "}}" for n in range(1000)), {"a": [["x" * 100_000]] * 1000}),
    ],
)
def test_what_comes_out_is_bounded_before_it_is_made(template: str, inputs: dict) -> None:
    began = time.process_time()
    tracemalloc.start()
    with pytest.raises(Invalid, match="over 5 MiB"):
        render(template, inputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.process_time() - began < 5
    assert peak < 5 * len(template) + 50_000_000


def test_a_long_template_is_read_quickly() -> None:
    for text in ("{{" * 1_000_000, "{{a" * 500_000, "{{ a }" * 500_000, "{" * 3_000_000, "{{a.b[c" * 300_000):
        began = time.process_time()
        render([{"role": "user", "content": text}], {})
        assert time.process_time() - began < 1


def test_a_row_whose_prompt_grows_too_long_has_an_error_that_says_so(
    client: TestClient, committed_team: factories.Team
) -> None:
    from app.generations.service import prepare

    with unit_of_work() as session:
        version = factories.prompt(
            session, committed_team.admin, template=[{"role": "user", "content": "{{a}}" * 1000}]
        )
        prepared = prepare(session, version)
    with pytest.raises(Invalid, match="over 5 MiB"):
        prepared.request({"a": "x" * 100_000})
