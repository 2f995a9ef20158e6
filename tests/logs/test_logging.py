"""Logging as a client of the API does it: which version a log is of, what is kept, what is refused."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments
from tests import factories
from tests.web import with_key

# As the client's `prompts.log` sends it, from its documentation: all that was not said is left out or null.
PROMPT = {
    "path": "persona",
    "id": None,
    "prompt": {
        "model": "gpt-4",
        "endpoint": None,
        "template": [{"role": "system", "content": "You are {{person}}. Answer questions as this person."}],
        "tools": None,
    },
    "messages": [{"role": "user", "content": "What really happened at Roswell?", "name": None}],
    "inputs": {"person": "Trump"},
    "created_at": "2024-07-18T23:29:35.178000+00:00",
    "provider_latency": 6.5931549072265625,
    "output_message": {
        "content": "Well, you know, there is so much secrecy involved in government.",
        "role": "assistant",
        "tool_calls": None,
    },
    "prompt_tokens": 100,
    "output_tokens": 220,
    "prompt_cost": 1e-05,
    "output_cost": 0.0002,
    "finish_reason": "stop",
    "trace_parent_id": None,
    "log_status": None,
    "save": None,
    "batch_id": "unknown to us",
}


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _sent(api: TestClient, url: str, **said: Any) -> dict[str, Any]:
    answer = api.post(url, json=said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _log(api: TestClient, log_id: str) -> dict[str, Any]:
    answer = api.get(f"/v5/logs/{log_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_prompt_log_comes_back_as_it_was_sent(api: TestClient) -> None:
    sent = _sent(api, "/v5/prompts/log", **PROMPT)

    assert set(sent) == {"id", "prompt_id", "version_id", "session_id"}
    log = _log(api, sent["id"])
    assert (log["prompt"]["id"], log["prompt"]["version_id"]) == (sent["prompt_id"], sent["version_id"])
    assert log["prompt"]["path"] == "persona"
    assert log["prompt"]["template"] == PROMPT["prompt"]["template"]
    assert {"tool", "evaluator", "flow", "agent"}.isdisjoint(log), "clients tell logs apart by that"
    assert log["output"] == PROMPT["output_message"]["content"]
    assert log["inputs"] == PROMPT["inputs"]
    assert log["messages"][0]["content"] == "What really happened at Roswell?"
    assert log["created_at"].startswith("2024-07-18T23:29:35.178")
    assert log["provider_latency"] == pytest.approx(6.593155, abs=1e-6)
    assert (log["prompt_tokens"], log["output_tokens"], log["finish_reason"]) == (100, 220, "stop")
    assert (log["prompt_cost"], log["output_cost"]) == (1e-05, 0.0002)
    assert (log["model"], log["log_status"], log["save"]) == ("gpt-4", "complete", True)
    assert (log["evaluator_logs"], log["trace_children"], log["trace_id"]) == ([], [], None)


def test_a_tool_log_comes_back_as_it_was_sent(api: TestClient) -> None:
    # From the documentation of the client's `tools.log`.
    function = {
        "name": "multiply",
        "description": "Multiply two numbers",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
    }
    sent = _sent(
        api, "/v5/tools/log", path="math-tool", tool={"function": function}, inputs={"a": 5, "b": 7}, output="35",
        stdout="multiplied", source="sdk", metadata={"seed": 3}, user="ann", session_id="s-1", environment="eu",
    )  # fmt: skip

    assert set(sent) >= {"id", "tool_id", "version_id"}
    log = _log(api, sent["id"])
    assert log["tool"]["function"] == function | {"strict": None} or log["tool"]["function"] == function
    assert {"prompt", "evaluator", "flow", "agent"}.isdisjoint(log)
    assert (log["inputs"], log["output"], log["stdout"]) == ({"a": 5, "b": 7}, "35", "multiplied")
    assert (log["source"], log["metadata"], log["user"]) == ("sdk", {"seed": 3}, "ann")
    assert (log["session_id"], log["environment"]) == ("s-1", "eu")


def test_a_flow_log_is_a_trace_that_waits_for_more(api: TestClient) -> None:
    sent = _sent(
        api, "/v5/flows/log", path="qa", flow={"attributes": {"commit": "4f2a1c"}}, inputs={"question": "?"}
    )

    assert set(sent) >= {"id", "flow_id", "version_id", "log_status"}
    assert sent["log_status"] == "incomplete"
    log = _log(api, sent["id"])
    assert log["flow"]["attributes"] == {"commit": "4f2a1c"}
    assert {"prompt", "tool", "evaluator", "agent"}.isdisjoint(log)
    assert (log["trace_id"], log["trace_flow_id"]) == (sent["id"], sent["flow_id"])


def test_content_that_is_there_is_the_version_that_is_there(api: TestClient) -> None:
    first, again = (_sent(api, "/v5/prompts/log", **PROMPT) for _ in range(2))
    assert first["id"] != again["id"]
    assert (first["prompt_id"], first["version_id"]) == (again["prompt_id"], again["version_id"])
    other = PROMPT["prompt"] | {"temperature": 0.5}
    changed = _sent(api, "/v5/prompts/log", **PROMPT | {"prompt": other})
    assert changed["prompt_id"] == first["prompt_id"]
    assert changed["version_id"] != first["version_id"]
    upserted = api.post("/v5/prompts", json={"path": "persona", **other})
    assert upserted.json()["version_id"] == changed["version_id"], "by whichever route"
    bare = _sent(api, "/v5/prompts/log", path="persona", output="x")
    assert bare["version_id"] == first["version_id"], "without content: the one that is deployed"


def test_counters_are_kept(api: TestClient) -> None:
    first = _sent(api, "/v5/prompts/log", **PROMPT)
    before = api.get(f"/v5/prompts/{first['prompt_id']}").json()
    _sent(api, "/v5/prompts/log", **PROMPT | {"prompt": PROMPT["prompt"] | {"seed": 1}})
    _sent(api, "/v5/prompts/log", path="persona")
    prompt = api.get(f"/v5/prompts/{first['prompt_id']}").json()
    assert (prompt["version_logs_count"], prompt["total_logs_count"]) == (2, 3)
    assert prompt["last_used_at"] > before["last_used_at"]


def test_a_version_is_named_by_id_or_environment(api: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        first = factories.flow(session, admin, "f/x", commit="1")
        second = factories.flow(session, admin, "f/x", commit="2")
        staging = deployments.get_environment(session, admin, "staging")
        deployments.deploy(session, admin, second.file, second, staging)
        other = factories.flow(session, admin, "f/y")
    url = "/v5/flows/log"
    assert _sent(api, url, path="f/x")["version_id"] == first.id
    assert _sent(api, f"{url}?environment=staging", path="f/x")["version_id"] == second.id
    assert _sent(api, f"{url}?version_id={second.id}", id=first.file_id)["version_id"] == second.id
    assert _sent(api, f"{url}?version_id={second.id}")["version_id"] == second.id
    same = _sent(api, f"{url}?version_id={second.id}", flow={"attributes": {"commit": "2"}})
    assert same["version_id"] == second.id
    staged = _sent(api, f"{url}?environment=staging", path="f/x")
    assert _log(api, staged["id"])["environment"] == "staging"

    def status(query: str, **said: Any) -> int:
        return api.post(f"{url}?{query}", json=said).status_code

    assert status(f"version_id={second.id}", flow={"attributes": {"commit": "3"}}) == 422
    assert status(f"version_id={other.id}", path="f/x") == 404
    assert status("version_id=flv_unknown", path="f/x") == 404
    assert status("version_id=flv_unknown") == 404
    assert status("environment=nowhere", path="f/x") == 404
    assert status("environment=staging", path="f/y") == 404, "nothing of it runs there"
    assert status("environment=staging") == 422
    assert status("") == 422


def test_unknown_files_are_not_found_but_a_flow_is_made(api: TestClient) -> None:
    for kind in ("prompts", "tools"):
        assert api.post(f"/v5/{kind}/log", json={"path": "not/there"}).status_code == 404
    for kind in ("prompts", "tools", "flows"):
        assert api.post(f"/v5/{kind}/log", json={"id": "xx_unknown"}).status_code == 404
    made = _sent(api, "/v5/flows/log", path="not/there")
    assert _log(api, made["id"])["flow"]["attributes"] == {}
    assert api.post("/v5/prompts/log", json={"path": "not/there"}).status_code == 404, "of another kind"
    taken = {"path": "not/there", "prompt": {"model": "m"}}
    assert api.post("/v5/prompts/log", json=taken).status_code == 409


def test_an_id_of_the_clients_own(api: TestClient) -> None:
    body = {"path": "medqa", "log_id": "medqa_experiment_0001", "inputs": {"q": 1}}
    assert _sent(api, "/v5/flows/log", **body)["id"] == "medqa_experiment_0001"
    again = api.post("/v5/flows/log", json=body | {"inputs": {"q": 2}})
    assert again.status_code == 409
    assert "medqa_experiment_0001" in again.json()["detail"]
    assert _log(api, "medqa_experiment_0001")["inputs"] == {"q": 1}
    flow = api.post("/v5/files/retrieve-by-path", json={"path": "medqa"}).json()
    assert flow["version_logs_count"] == 1


def test_an_id_of_another_workspace_is_free_here_and_shows_nothing(
    api: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        other = factories.team(session).admin
        factories.logged(session, other, factories.flow(session, other), log_id="mine-1", output="canary")
    assert api.get("/v5/logs/mine-1").status_code == 404
    assert api.patch("/v5/flows/logs/mine-1", json={"output": "x"}).status_code == 404
    answer = api.post("/v5/flows/log", json={"path": "x", "log_id": "mine-1"})
    assert (answer.status_code, answer.json()["id"]) == (200, "mine-1")
    assert "canary" not in answer.text
    assert "canary" not in api.get("/v5/logs/mine-1").text


def test_what_is_not_to_be_kept_is_nowhere(api: TestClient) -> None:
    secret = "canary-not-kept"
    sent = _sent(
        api, "/v5/prompts/log", path="p", prompt={"model": "m"}, save=False, output=secret, inputs={"q": secret},
        messages=[{"role": "user", "content": secret}], provider_request={"x": secret}, output_tokens=3,
    )  # fmt: skip
    log = _log(api, sent["id"])
    assert (log["save"], log["output"], log["inputs"], log["output_tokens"]) == (False, None, {}, 3)
    api.patch(
        f"/v5/prompts/{sent['prompt_id']}/log/{sent['id']}", json={"output": secret, "output_tokens": 4}
    )
    log = _log(api, sent["id"])
    assert (log["output"], log["output_tokens"]) == (None, 4), "nor is what is said of it later"
    with unit_of_work() as session:
        assert secret not in session.scalar(
            text("select l::text from log l where id = :id"), {"id": sent["id"]}
        )


def test_calls_made_elsewhere_cost_the_budget_nothing(api: TestClient) -> None:
    _sent(api, "/v5/prompts/log", **PROMPT | {"prompt_cost": 1000.0, "created_at": None})
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from spend_day")) == 0


def test_a_prompt_can_be_given_as_its_file(api: TestClient) -> None:
    text = "---\nmodel: gpt-4o\n---\n\n<system>\n  Be brief.\n</system>\n"
    as_file = api.post("/v5/prompts/log", json={"path": "p", "prompt": text})
    content = {"model": "gpt-4o", "template": [{"role": "system", "content": "Be brief."}]}
    as_object = api.post("/v5/prompts/log", json={"path": "p", "prompt": content})

    assert as_file.status_code == 200, as_file.text
    assert as_file.json()["version_id"] == as_object.json()["version_id"]
    broken = api.post("/v5/prompts/log", json={"path": "p", "prompt": "---\nmodel: [\n---\n"})
    assert broken.status_code == 422


@pytest.mark.parametrize("kind", ["prompts", "tools", "flows"])
@pytest.mark.parametrize(
    "said",
    [
        b'{"path": "p", "output": "a\\u0000b"}',
        b'{"path": "p", "output": "\\ud800"}',
        b'{"path": "p", "inputs": ' + b'{"a":' * 120 + b"1" + b"}" * 120 + b"}",
        b'{"path": "p", "output": ',
        b'{"path": "p", "inputs": {"a": 1, "a": 2}}',
        b'{"path": "p", "metadata": {"big": 1e999}}',
        b"[]",
    ],
)
def test_what_could_not_be_stored_is_refused(api: TestClient, kind: str, said: bytes) -> None:
    answer = api.post(f"/v5/{kind}/log", content=said, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert {"loc", "msg", "type"} <= set(answer.json()["detail"][0])


def test_who_may_log(client: TestClient, committed_team: factories.Team) -> None:
    for role in Role:
        with unit_of_work() as session:
            somebody = factories.member(session, committed_team.workspace, role)
        answer = with_key(client, somebody).post("/v5/flows/log", json={"path": f"by/{role}"})
        allowed = role in (Role.ADMIN, Role.DEVELOPER, Role.MEMBER)
        assert answer.status_code == (200 if allowed else 403), role


def test_a_log_of_a_version_that_was_deleted_still_says_of_which_file(api: TestClient) -> None:
    _sent(api, "/v5/tools/log", path="t", tool={"function": {"name": "a"}})
    sent = _sent(api, "/v5/tools/log", path="t", tool={"function": {"name": "b"}})
    gone = api.delete(f"/v5/tools/{sent['tool_id']}/versions/{sent['version_id']}")
    assert gone.status_code == 204, gone.text
    tool = _log(api, sent["id"])["tool"]
    assert (tool["id"], tool["version_id"], tool["function"]) == (sent["tool_id"], sent["version_id"], None)
    api.delete(f"/v5/tools/{sent['tool_id']}")
    assert _log(api, sent["id"])["tool"]["path"] == "t", "also when the file is gone"


def test_content_that_could_not_be_written_to_a_prompt_is_not_logged_either(api: TestClient) -> None:
    content, said = {"model": "m", "linked_tools": ["tl_1"]}, "There is no tool with the id tl_1."
    logged = api.post("/v5/prompts/log", json={"path": "a/new", "prompt": content, "output": "x"})
    written = api.post("/v5/prompts", json={"path": "a/new"} | content)
    assert (logged.status_code, written.status_code) == (422, 422)
    assert said in logged.text
    assert said in written.text
    assert api.get("/v5/prompts").json()["total"] == 0


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("prompt", {"model": "m"}),
        ("tool", {"function": {"name": "f"}}),
        ("flow", {"attributes": {"commit": "4f2a1c"}}),
    ],
)
def test_no_body_is_an_empty_one(api: TestClient, kind: str, content: dict[str, Any]) -> None:
    first = _sent(api, f"/v5/{kind}s/log", path=f"a/{kind}", output="x", **{kind: content})
    answer = api.post(f"/v5/{kind}s/log?version_id={first['version_id']}")
    assert answer.status_code == 200, answer.text
    log = _log(api, answer.json()["id"])
    assert (log["version_id"], log["output"], log["inputs"]) == (first["version_id"], None, {})
    where = "flows/logs" if kind == "flow" else f"{kind}s/{first[f'{kind}_id']}/log"
    changed = api.patch(f"/v5/{where}/{first['id']}", headers={"content-type": "application/json"})
    assert (changed.status_code, changed.json()["output"]) == (200, "x")
    nothing = api.post(f"/v5/{kind}s/log")
    assert (nothing.status_code, f"Give the id or the path of the {kind}" in nothing.text) == (422, True)


def test_a_run_of_an_agent_is_logged_as_the_sdk_logs_it(
    client: TestClient, committed_team: factories.Team
) -> None:
    api = with_key(client, committed_team.admin)
    agent = {"model": "m", "provider": "openai", "template": "{{question}}", "max_iterations": 3}
    said = {
        "path": "a/agent", "id": None, "agent": agent, "inputs": {"question": "?"}, "log_status": "incomplete",
        "messages": [{"role": "user", "content": "hi"}], "output_message": {"role": "assistant", "content": "yes"},
        "prompt_tokens": 3, "run_id": None, "trace_parent_id": None, "log_id": "agent-1",
    }  # fmt: skip
    first = api.post("/v5/agents/log", json=said)
    assert first.status_code == 200, first.text
    given = first.json()
    assert (given["id"], given["log_status"]) == ("agent-1", "incomplete")
    again = api.post("/v5/agents/log", json=said | {"log_id": None}).json()
    assert (again["agent_id"], again["version_id"]) == (given["agent_id"], given["version_id"])
    child = api.post(
        "/v5/tools/log", json={"path": "a/tool", "tool": {}, "trace_parent_id": "agent-1"}
    ).json()

    url = f"/v5/agents/{given['agent_id']}/log/agent-1"
    changed = api.patch(url, json={"output": "no", "log_status": "complete", "messages": None})
    assert changed.status_code == 200, changed.text
    log = api.get("/v5/logs/agent-1").json()
    assert (log["output"], log["log_status"], log["messages"]) == ("no", "complete", said["messages"])
    assert (log["model"], log["provider"], log["prompt_tokens"]) == ("m", "openai", 3)
    assert log["agent"]["max_iterations"] == 3
    assert not {"prompt", "tool", "flow", "evaluator"} & set(log)
    assert [each["id"] for each in log["trace_children"]] == [child["id"]]
    assert api.get(f"/v5/agents/{given['agent_id']}").json()["total_logs_count"] == 2
    assert api.patch(url.replace(given["agent_id"], "ag_unknown"), json={}).status_code == 404
    by_text = api.get(f"/v5/agents/{given['agent_id']}/serialize").text
    same = api.post("/v5/agents/log", json={"path": "a/agent", "agent": by_text}).json()
    assert same["version_id"] == given["version_id"]
    refused = api.post("/v5/agents/log", json={"path": "a/agent", "agent": {"model": ""}})
    assert refused.status_code == 422
