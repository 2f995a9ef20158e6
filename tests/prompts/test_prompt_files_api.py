"""Prompts and agents as files, over the API: out as text, in again as the same version, and populated."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

TEMPLATE = [
    {"role": "system", "content": 'Answer in {{style}}, "quoted" & <b>bold</b>.\n'},
    {"role": "user", "content": "1 + 1", "name": "example"},
    {"role": "assistant", "content": "2", "name": "example"},
    {"role": "user", "content": "{{ question }} {{log.messages[0].content}}"},
]
PROMPT = {
    "path": "files/answer",
    "model": "m",
    "temperature": 1,
    "template": TEMPLATE,
    "attributes": {"b": 1.0, "a": [None]},
}
TOOL = {
    "type": "inline",
    "json_schema": {"name": "weather", "parameters": {"type": "object"}},
    "on_agent_call": "continue",
}
LINK = {"type": "file", "link": {"file_id": "tl_1", "environment_id": "env_1"}, "on_agent_call": "stop"}
AGENT = {
    "path": "files/agent",
    "model": "m",
    "max_iterations": 5,
    "tools": [TOOL, LINK],
    "template": TEMPLATE,
}
REQUIRED = {
    "path", "id", "name", "version_id", "type", "created_at", "updated_at", "last_used_at", "version_logs_count",
    "total_logs_count", "inputs", "tools", "status", "model",
}  # fmt: skip


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _made(api: TestClient, kind: str, **body: Any) -> dict[str, Any]:
    answer = api.post(f"/v5/{kind}s", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("kind", "body"), [("prompt", PROMPT), ("agent", AGENT)])
def test_a_file_goes_out_and_comes_in_as_the_same_version(
    api: TestClient, kind: str, body: dict[str, Any]
) -> None:
    made = _made(api, kind, **body)
    answer = api.get(f"/v5/{kind}s/{made['id']}/serialize")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    text = answer.text
    assert text.startswith("---\nmodel: m\n")
    assert '<user name="example">\n  1 + 1\n</user>' in text
    kernel = api.post(f"/v5/{kind}s/deserialize", json={kind: text}).json()
    assert kernel["template"] == TEMPLATE
    assert "path" not in kernel
    again = _made(api, kind, path=body["path"], **kernel)
    assert again["version_id"] == made["version_id"]
    assert len(api.get(f"/v5/{kind}s/{made['id']}/versions").json()["records"]) == 1


def test_the_version_that_is_asked_for_goes_out(api: TestClient) -> None:
    first = _made(api, "prompt", **PROMPT)
    second = _made(api, "prompt", **PROMPT | {"template": "Newer"})
    url = f"/v5/prompts/{first['id']}/serialize"
    assert "Newer" not in api.get(url).text, "the deployed one"
    assert "Newer" in api.get(url, params={"version_id": second["version_id"]}).text
    assert api.get(url, params={"version_id": "prv_none"}).status_code == 404
    assert api.get(url, params={"environment": "staging"}).status_code == 404
    assert api.get("/v5/agents/{id}/serialize".format(**first)).status_code == 404, "it is no agent"


@pytest.mark.parametrize("kind", ["prompt", "agent"])
def test_nothing_is_saved_by_reading_a_file_and_errors_have_their_line(api: TestClient, kind: str) -> None:
    answer = api.post(f"/v5/{kind}s/deserialize", json={kind: "---\nmodel: m\n---\n<user>\n"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == [
        {
            "loc": ["body", kind],
            "msg": "Line 4: <user> does not end: write </user> after it.",
            "type": "value_error",
        }
    ]
    wrong = api.post(f"/v5/{kind}s/deserialize", json={kind: "---\nmodel: m\ntemperature: hot\n---\n"})
    assert wrong.status_code == 422
    assert wrong.json()["detail"][0]["loc"] == ["body", "temperature"]
    assert api.post(f"/v5/{kind}s/deserialize", json={kind: "---\nmodel: m\n---\n"}).json()["model"] == "m"
    assert api.get(f"/v5/{kind}s").json()["records"] == []


def test_an_agent_has_all_that_clients_need(api: TestClient, committed_team: factories.Team) -> None:
    made = _made(api, "agent", **AGENT, version_name="one", description="It answers.")
    assert made["id"].startswith("ag_")
    assert made["version_id"].startswith("agv_")
    assert set(made) >= REQUIRED
    assert (made["type"], made["status"], made["max_iterations"]) == ("agent", "committed", 5)
    assert made["tools"] == [TOOL | {"json_schema": {"description": "", **TOOL["json_schema"]}}, LINK]
    page = api.get("/v5/agents", params={"name": "agent"}).json()
    assert [each["id"] for each in page["records"]] == [made["id"]]
    assert api.get("/v5/files", params={"type": ["agent", "tool"]}).json()["total"] == 1
    bare = _made(api, "agent", path="files/bare", model="m")
    assert bare["tools"] == []
    assert api.post("/v5/agents", json={"path": "files/agent"}).status_code == 422, "it has no model"
    assert api.post("/v5/prompts", json={"path": "files/agent", "model": "m"}).status_code == 409
    unknown = {"path": "files/x", "model": "m", "tools": [{"type": "magic"}]}
    assert api.post("/v5/agents", json=unknown).status_code == 422


def test_the_template_is_populated_as_it_would_be_sent(api: TestClient) -> None:
    made = _made(api, "prompt", **PROMPT)
    url = f"/v5/prompts/{made['id']}/populate"
    inputs = {"style": "prose", "question": 7, "log": {"messages": [{"content": "deep"}]}, "more": None}
    answer = api.post(url, json=inputs)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["template"] == TEMPLATE
    assert shown["version_id"] == made["version_id"]
    assert [message["content"] for message in shown["populated_template"]] == [
        "Answer in prose, \"quoted\" & <b>bold</b>.\n", "1 + 1", "2", "7 deep",
    ]  # fmt: skip
    missing = api.post(url, json={"style": None})
    assert missing.status_code == 422
    assert "log.messages[0].content, question, style" in missing.json()["detail"][0]["msg"]
    text = _made(api, "prompt", path="files/text", model="m", template="Say {{word}}")
    assert (
        api.post(f"/v5/prompts/{text['id']}/populate", json={"word": "hi"}).json()["populated_template"]
        == "Say hi"
    )
    none = _made(api, "prompt", path="files/none", model="m")
    assert api.post(f"/v5/prompts/{none['id']}/populate", json={}).json()["populated_template"] is None


def test_empty_settings_are_as_good_as_none(api: TestClient) -> None:
    bare = _made(api, "prompt", path="files/empty", model="m")
    empty = {"tools": [], "linked_tools": [], "stop": []} | {
        "other": {},
        "attributes": {},
        "max_tokens": -1,
    }
    assert _made(api, "prompt", path="files/empty", model="m", **empty)["version_id"] == bare["version_id"]


def test_who_may_only_read_writes_nothing(api: TestClient, committed_team: factories.Team) -> None:
    made = _made(api, "agent", **AGENT)
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    with_key(api, viewer)
    assert api.get(f"/v5/agents/{made['id']}/serialize").status_code == 200
    assert api.post("/v5/agents", json=AGENT).status_code == 403
    with_key(api, stranger)
    assert api.get(f"/v5/agents/{made['id']}/serialize").status_code == 404


@pytest.mark.parametrize(
    "template",
    [
        '{{ look-up("price list") }}',
        [{"role": "user", "content": 'See {{look-up(word, "x")}}.'}],
        [{"role": "user", "content": [{"type": "text", "text": "{{ look-up(word) }}"}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "{{look-up(word)}}"}}]}],
    ],
)
@pytest.mark.parametrize("kind", ["prompt", "agent"])
def test_a_template_that_calls_a_tool_is_kept_and_its_variables_are_inputs(
    api: TestClient, kind: str, template: Any
) -> None:
    made = _made(api, kind, path="files/calls", model="m", template=template)
    assert made["template"] == template
    assert [one["name"] for one in made["inputs"]] == (["word"] if "word" in str(template) else [])


@pytest.mark.parametrize(
    "more",
    [
        {"template": "{{ look up(word) }} {{look-up()}} {{ look-up('x') }} look-up(word) {look-up(word)}"},
        {"template": '{{ look_up("x") }}', "template_language": "jinja"},
    ],
)
def test_what_is_no_call_of_a_tool_is_kept(api: TestClient, more: dict[str, Any]) -> None:
    assert _made(api, "prompt", path="files/text", model="m", **more)["template"] == more["template"]


def test_populating_without_a_body_is_populating_without_inputs(api: TestClient) -> None:
    made = _made(api, "prompt", path="files/plain", model="m", template="Hello")
    answer = api.post(f"/v5/prompts/{made['id']}/populate")
    assert (answer.status_code, answer.json()["populated_template"]) == (200, "Hello")
    asks = _made(api, "prompt", path="files/plain", model="m", template="Hello {{name}}")
    missing = api.post(f"/v5/prompts/{asks['id']}/populate", params={"version_id": asks["version_id"]})
    assert (missing.status_code, "The template needs name" in missing.text) == (422, True)
