"""Calling a tool as a client of the API does: what it answers, and what its log keeps."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.generations.calls import log_of
from tests.web import with_key

CALL_URL = "/v5/tools/call"
HOURS = {
    "tool_type": "snippet",
    "setup_values": {"berlin": "9 to 5 {{x}}", "paris": "10 to 6", "odd": {"a": 1}},
}
CARD = {
    "function": {
        "name": "find_card",
        "parameters": {"type": "object", "properties": {"customer": {"type": "string"}}, "required": ["customer"]},
    }
}  # fmt: skip
NEEDED = {"id", "tool", "evaluator_logs"}
"""What the clients' model of a call requires."""


def called(api: TestClient, **body: Any) -> dict[str, Any]:
    answer = api.post(CALL_URL, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(api: TestClient, **body: Any) -> tuple[int, str]:
    answer = api.post(CALL_URL, json=body)
    return answer.status_code, answer.text


def test_a_snippet_is_its_text_by_key(api: TestClient) -> None:
    # As the client's `tools.call` sends it: what was not said is null.
    nothing = dict.fromkeys(
        ("id", "source", "metadata", "start_time", "end_time", "log_status", "user", "environment", "save", "log_id")
    )  # fmt: skip
    answer = called(api, path="support/hours", tool=HOURS, inputs={"key": "berlin"}, **nothing)

    assert set(answer) >= NEEDED
    assert answer["output"] == "9 to 5 {{x}}", "as it is: it is not read as a template"
    assert answer["error"] is None
    assert answer["log_id"] == answer["id"]
    assert answer["tool"]["path"] == "support/hours"
    assert not {"prompt", "flow", "evaluator", "agent"} & set(answer)
    log = log_of(api, answer["id"])
    assert (log["output"], log["inputs"]) == (answer["output"], {"key": "berlin"})
    assert (log["source"], log["log_status"]) == ("api", "complete")
    assert log["start_time"] <= log["end_time"]
    assert log["tool"]["version_id"] == answer["tool"]["version_id"]
    again = called(api, path="support/hours", tool=HOURS, inputs={"key": "odd"})
    assert again["output"] == '{"a": 1}'
    assert again["tool"]["version_id"] == answer["tool"]["version_id"], "the same content is the same version"
    assert api.get(f"/v5/tools/{answer['tool']['id']}").json()["total_logs_count"] == 2


def test_a_snippet_says_which_keys_there_are(api: TestClient) -> None:
    for inputs in ({}, {"key": "rome"}, {"key": 7}):
        status, said = refused(api, path="support/hours", tool=HOURS, inputs=inputs)
        assert status == 422
        assert "berlin, odd, paris" in said
    assert api.get("/v5/tools").json()["records"] == [], "what was refused has written nothing"


def test_arguments_for_a_schema_are_its_output(api: TestClient) -> None:
    answer = called(api, path="cards/find", tool=CARD, inputs={"customer": "c-1", "more": [1, None]})
    assert answer["output"] == '{"customer":"c-1","more":[1,null]}'
    missing = called(api, path="cards/find", inputs={"card": 1})
    assert (missing["output"], missing["error"]) == (None, "The schema requires customer.")
    assert log_of(api, missing["id"])["error"] == missing["error"]


@pytest.mark.parametrize(
    "tool", [{"source_code": "def f(): ..."}, {"tool_type": "mock"}, {"tool_type": "google"}, {}]
)
def test_what_is_not_run_here_is_refused_with_what_to_do(api: TestClient, tool: dict[str, Any]) -> None:
    status, said = refused(api, path="tools/other", tool=tool)
    assert status == 422
    assert "/v5/tools/log" in said


def test_the_version_is_the_one_that_is_named(api: TestClient) -> None:
    first = called(api, path="support/hours", tool=HOURS, inputs={"key": "paris"})["tool"]
    other = HOURS | {"setup_values": {"paris": "closed"}}
    newer = called(api, path="support/hours", tool=other, inputs={"key": "paris"})
    assert newer["output"] == "closed"
    assert called(api, id=first["id"], inputs={"key": "paris"})["output"] == "10 to 6", "the deployed one"
    by_version = api.post(
        CALL_URL, params={"version_id": newer["tool"]["version_id"]}, json={"inputs": {"key": "paris"}}
    )
    assert by_version.json()["output"] == "closed"
    nowhere = api.post(
        CALL_URL, params={"environment": "staging"}, json={"id": first["id"], "inputs": {"key": "paris"}}
    )
    assert nowhere.status_code == 404
    assert refused(api)[0] == 422
    assert refused(api, path="support/unknown")[0] == 404


def test_the_log_says_what_the_caller_said(api: TestClient) -> None:
    about = {
        "source": "checkout", "metadata": {"order": 7}, "user": "u-1", "environment": "staging", "session_id": "s-1",
        "source_datapoint_id": "dp-1", "log_status": "incomplete", "log_id": "mine-1",
    }  # fmt: skip
    answer = called(api, path="support/hours", tool=HOURS, inputs={"key": "paris"}, **about)
    assert {name: answer[name] for name in about} == about
    log = log_of(api, "mine-1")
    assert {name: log[name] for name in about if name != "log_id"} == {
        name: value for name, value in about.items() if name != "log_id"
    }
    taken = refused(api, path="support/hours", inputs={"key": "paris"}, log_id="mine-1")
    assert taken[0] == 409
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from spend_day")) == 0, "no model was paid"


def test_a_call_is_in_the_trace_of_its_flow(api: TestClient) -> None:
    flow = api.post(
        "/v5/flows/log", json={"path": "support/flow", "log_status": "incomplete", "session_id": "s-2"}
    )
    root = flow.json()["id"]
    child = called(api, path="support/hours", tool=HOURS, inputs={"key": "paris"}, trace_parent_id=root)
    assert (child["trace_id"], child["trace_parent_id"], child["session_id"]) == (root, root, "s-2")
    assert [each["id"] for each in log_of(api, root)["trace_children"]] == [child["id"]]
    api.patch(f"/v5/flows/logs/{root}", json={"log_status": "complete"})
    late = refused(api, path="support/hours", inputs={"key": "paris"}, trace_parent_id=root)
    assert late[0] == 409


def test_what_is_not_saved_is_answered_all_the_same(api: TestClient) -> None:
    answer = called(api, path="support/hours", tool=HOURS, inputs={"key": "paris"}, save=False)
    assert (answer["output"], answer["inputs"], answer["save"]) == ("10 to 6", {"key": "paris"}, False)
    log = log_of(api, answer["id"])
    assert (log["output"], log["inputs"], log["save"]) == (None, {}, False)


def test_who_writes_logs_may_call_and_nobody_from_elsewhere(
    client: TestClient, committed_team: factories.Team
) -> None:
    tool = called(
        with_key(client, committed_team.admin), path="support/hours", tool=HOURS, inputs={"key": "paris"}
    )["tool"]
    with unit_of_work() as session:
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    statuses = [
        refused(with_key(client, somebody), id=tool["id"], inputs={"key": "paris"})[0]
        for somebody in (member, viewer, stranger)
    ]
    assert statuses == [200, 403, 404]
