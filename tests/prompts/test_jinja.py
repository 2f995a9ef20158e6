"""Prompts in Jinja: filled in like others, refused when they cannot be read, and held when they would never end."""

import time
import uuid

import pytest
from fastapi.testclient import TestClient

from app.core.errors import Invalid
from app.core.jinja_template import JinjaTemplate
from app.prompts.template import compile_prompt
from tests import factories
from tests.application import Application
from tests.bench.eval_throughput import Client
from tests.endpoint import running_endpoint
from tests.web import with_key

LOOP = "{% for word in words %}{{ word|upper }}{% if not loop.last %}, {% endif %}{% endfor %}"


def test_texts_messages_parts_and_images_are_filled_in() -> None:
    assert JinjaTemplate(f"Say {LOOP}.").render({"words": ["a", "b"]}) == "Say A, B."
    messages = [
        {"role": "system", "content": "{% if formal %}Be formal.{% else %}Be brief.{% endif %}"},
        {
            "role": "user",
            "name": "x",
            "content": [
                {"type": "text", "text": LOOP},
                {"type": "image_url", "image_url": {"url": "https://example.com/{{ n }}.png"}},
            ],
        },
    ]
    template = compile_prompt(messages, "jinja")
    assert template.variables == ["formal", "n", "words"]
    assert template.render({"formal": False, "words": ["a"], "n": 3}) == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "x",
            "content": [
                {"type": "text", "text": "A"},
                {"type": "image_url", "image_url": {"url": "https://example.com/3.png"}},
            ],
        },
    ]
    assert messages[1]["content"][0]["text"] == LOOP, "the version itself stays"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("a\n{{ nope }}", "line 2: 'nope' is undefined"),
        ("{% for x in %}", "line 1"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "unsafe"),
        ("{% include 'other' %}", "Template"),
        ("{{ 'x' * 10 ** 9 }}", "memory"),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "stopped after 1 s",
        ),
        ("{% for i in range(99999) %}{{ 'x' * 100 }}{% endfor %}", "characters"),
    ],
)
def test_what_fails_says_why_and_where(template: str, said: str) -> None:
    started = time.monotonic()
    with pytest.raises(Invalid) as refused:
        JinjaTemplate(template).render({})
    assert said in refused.value.message
    assert time.monotonic() - started < 10


def test_names_may_be_left_out_where_the_template_allows_it() -> None:
    template = JinjaTemplate("{{ name|default('nobody') }}{% if more is defined %} and {{ more }}{% endif %}")
    assert template.render({}) == "nobody"
    assert template.render({"name": "Ada", "more": "Grace"}) == "Ada and Grace"


def test_a_version_that_cannot_be_read_is_not_kept(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    prompt = {"path": "jinja/prompt", "model": "m", "template_language": "jinja"}
    broken = client.post("/v5/prompts", json=prompt | {"template": [{"role": "user", "content": "{% if %}"}]})
    assert broken.status_code == 422
    assert "line 1" in broken.text
    kept = client.post("/v5/prompts", json=prompt | {"template": [{"role": "user", "content": LOOP}]})
    assert kept.status_code in (200, 201), kept.text
    assert kept.json()["template_language"] == "jinja"


@pytest.mark.long
def test_a_run_renders_each_row_and_a_row_that_cannot_be_rendered_says_why(running_app: Application) -> None:
    name = f"jinja-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())
    with running_endpoint(0) as endpoint:
        client.call("POST", "/providers", {"name": "own", "base_url": f"http://127.0.0.1:{endpoint.port}/v1"})
        client.call(
            "POST",
            "/prompts",
            {
                "path": "jinja/asked", "model": "m", "provider": "own", "template_language": "jinja",
                "template": [{"role": "user", "content": LOOP}],
            },
        )  # fmt: skip
        points = [{"inputs": {"words": ["row", f"number {n}"]}} for n in range(10)] + [
            {"inputs": {"other": 1}}
        ]
        rows = client.call("POST", "/datasets", {"path": "jinja/rows", "datapoints": points})
        evaluation = client.call("POST", "/evaluations", {"file": {"path": "jinja/asked"}})
        body = {"dataset": {"version_id": rows["version_id"]}, "version": {"path": "jinja/asked"}}
        client.call("POST", f"/evaluations/{evaluation['id']}/runs", body)
        deadline = time.monotonic() + 60
        while True:
            run = client.call("GET", f"/evaluations/{evaluation['id']}/runs")["runs"][0]
            if run["status"] == "completed":
                break
            assert time.monotonic() < deadline, run
            time.sleep(0.2)
        asked = endpoint.calls()
    assert (run["done_count"], run["failed_count"]) == (11, 1)
    assert sorted(asked) == sorted(f"ROW, NUMBER {n}" for n in range(10))
