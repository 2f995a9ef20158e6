"""What is said of a log later: it takes the place of what was said, until it is what a run found."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.logs import arrivals
from tests import factories
from tests.web import with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _flow_log(api: TestClient, **said: Any) -> str:
    answer = api.post("/v5/flows/log", json={"path": "f"} | said)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def test_a_flow_is_completed(api: TestClient) -> None:
    log_id = _flow_log(api, inputs={"q": "old"}, start_time="2024-07-08T22:40:35Z")
    # As the client's `flows.update_log` sends it.
    answer = api.patch(
        f"/v5/flows/logs/{log_id}",
        json={
            "messages": None, "output_message": {"role": "assistant", "content": "It rains."},
            "inputs": {"q": "new"}, "output": None, "error": None, "log_status": "complete",
        },
    )  # fmt: skip

    assert answer.status_code == 200, answer.text
    log = answer.json()
    assert (log["id"], log["log_status"], log["trace_status"]) == (log_id, "complete", "complete")
    assert (log["inputs"], log["output"]) == ({"q": "new"}, "It rains.")
    assert log["flow"]["path"] == "f"
    assert log["end_time"] is not None, "it ends when it is said to be complete"
    assert log["provider_latency"] > 0
    shown = api.get(f"/v5/logs/{log_id}").json()
    assert shown == log


def test_a_complete_flow_stays_complete_and_takes_no_more_logs(api: TestClient) -> None:
    log_id = _flow_log(api, log_status="complete")
    back = api.patch(f"/v5/flows/logs/{log_id}", json={"log_status": "incomplete"})
    assert back.status_code == 409
    more = api.post("/v5/flows/log", json={"path": "f", "trace_parent_id": log_id})
    assert more.status_code == 409
    assert log_id in more.json()["detail"]
    assert api.patch(f"/v5/flows/logs/{log_id}", json={"output": "later"}).json()["output"] == "later"


@pytest.mark.parametrize("kind", ["prompt", "tool"])
def test_logs_of_prompts_and_tools_are_changed_member_by_member(api: TestClient, kind: str) -> None:
    content = {"model": "m"} if kind == "prompt" else {"function": {"name": "f"}}
    sent = api.post(
        f"/v5/{kind}s/log",
        json={"path": kind, kind: content, "output": "a", "inputs": {"q": 1}, "log_status": "incomplete"},
    ).json()
    url = f"/v5/{kind}s/{sent[f'{kind}_id']}/log/{sent['id']}"
    said = {
        "output": "b", "error": None, "metadata": {"k": 1}, "log_status": "complete", "source": "later",
        "start_time": "2024-07-08T22:40:35Z", "end_time": "2024-07-08T22:40:36Z", "stdout": "printed",
        "provider_request": {"a": 1}, "provider_response": {"b": 2}, "created_at": "2024-07-08T22:40:36Z",
    }  # fmt: skip
    answer = api.patch(url, json=said)

    assert answer.status_code == 200, answer.text
    log = answer.json()
    for name in (
        "output",
        "metadata",
        "log_status",
        "source",
        "stdout",
        "provider_request",
        "provider_response",
    ):
        assert log[name] == said[name], name
    assert log["inputs"] == {"q": 1}, "what is not said stays"
    assert (log["provider_latency"], log["created_at"][:19]) == (1.0, "2024-07-08T22:40:36")
    assert log[kind]["id"] == sent[f"{kind}_id"]
    if kind == "prompt":
        more = {"prompt_tokens": 5, "output_cost": 0.25, "tool_choice": "auto", "finish_reason": "stop"}
        log = api.patch(url, json=more).json()
        assert {name: log[name] for name in more} == more


def test_only_the_log_of_this_file_and_kind_is_changed(
    api: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        tool, other = factories.tool(session, admin), factories.tool(session, admin)
        log_id = factories.logged(session, admin, tool, output="a")
        stranger = factories.team(session).admin
        theirs = factories.tool(session, stranger)
        their_log = factories.logged(session, stranger, theirs)
    for url in (
        f"/v5/tools/{other.file_id}/log/{log_id}",
        f"/v5/prompts/{tool.file_id}/log/{log_id}",
        f"/v5/flows/logs/{log_id}",
        f"/v5/tools/{tool.file_id}/log/log_unknown",
        f"/v5/tools/{theirs.file_id}/log/{their_log}",
    ):
        assert api.patch(url, json={"output": "b"}).status_code == 404, url
    assert api.get(f"/v5/logs/{log_id}").json()["output"] == "a"


def test_what_a_run_found_stays_as_it_is(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
        evaluation = factories.evaluation(session, admin, prompt, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, prompt, rows)
        factories.finish_run(session, run, ["answer 0", "x"])
        log_id = session.scalar(text("select log_id from run_item where run_id = :r limit 1"), {"r": run.id})
    answer = api.patch(f"/v5/prompts/{prompt.file_id}/log/{log_id}", json={"output": "better"})
    assert answer.status_code == 409


def test_a_viewer_changes_no_log(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        log_id = factories.logged(
            session, committed_team.admin, factories.flow(session, committed_team.admin)
        )
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    assert with_key(client, viewer).patch(f"/v5/flows/logs/{log_id}", json={"output": "x"}).status_code == 403


def test_who_listens_hears_of_every_log_in_its_transaction(api: TestClient) -> None:
    heard: list[arrivals.Arrival] = []

    def listener(session: Any, arrived: Any) -> None:
        assert session.scalar(text("select count(*) from log where id = :id"), {"id": arrived[0].id}) == 1
        heard.extend(arrived)

    arrivals.listen(listener)
    arrivals.listen(listener)
    try:
        log_id = _flow_log(api, run_id="run_1", source_datapoint_id="data_1")
        api.patch(f"/v5/flows/logs/{log_id}", json={"log_status": "complete"})
        api.post("/v5/flows/log", json={"path": "f", "log_id": log_id})  # taken: nothing new
    finally:
        arrivals._listeners.pop(listener)

    assert [(one.id, one.new, one.status) for one in heard] == [
        (log_id, True, "incomplete"),
        (log_id, False, "complete"),
    ]
    assert (heard[0].run_id, heard[0].datapoint_id) == ("run_1", "data_1")


def test_an_error_of_who_listens_undoes_the_log(api: TestClient) -> None:
    from app.core.errors import NotFound

    def refuse(session: Any, arrived: Any) -> None:
        raise NotFound("There is no such run.")

    arrivals.listen(refuse)
    try:
        answer = api.post("/v5/flows/log", json={"path": "f", "log_id": "undone"})
    finally:
        arrivals._listeners.pop(refuse)
    assert answer.status_code == 404
    assert api.get("/v5/logs/undone").status_code == 404


def _prompt_log(api: TestClient, **said: Any) -> tuple[str, str]:
    """A log of a prompt, and where it is changed."""
    answer = api.post("/v5/prompts/log", json={"path": "p", "prompt": {"model": "m"}, "output": "a"} | said)
    assert answer.status_code == 200, answer.text
    log = answer.json()
    return log["id"], f"/v5/prompts/{log['prompt_id']}/log/{log['id']}"


def test_what_a_log_belongs_to_can_be_said_later(api: TestClient, committed_team: factories.Team) -> None:
    root = _flow_log(api)
    log_id, url = _prompt_log(api)
    below, _ = _prompt_log(api, trace_parent_id=log_id)
    said = {"user": "customer-17", "environment": "canary", "session_id": "ses", "trace_parent_id": root,
            "source_datapoint_id": "dp_1", "run_id": "run_elsewhere"}  # fmt: skip
    answer = api.patch(url, json=said)
    assert answer.status_code == 200, answer.text
    shown = api.get(f"/v5/logs/{log_id}").json()
    assert {name: shown[name] for name in said} == said
    assert {api.get(f"/v5/logs/{one}").json()["trace_id"] for one in (root, log_id, below)} == {root}
    (child,) = api.get(f"/v5/logs/{root}").json()["trace_children"]
    assert (child["id"], [each["id"] for each in child["trace_children"]]) == (log_id, [below])
    assert api.patch(url, json=said).status_code == 200, "the same again"


def test_what_others_were_told_of_a_log_stays(api: TestClient) -> None:
    root, other = _flow_log(api), _flow_log(api)
    closed = _flow_log(api, log_status="complete")
    _, url = _prompt_log(api, trace_parent_id=root, run_id="run_1")
    loose, loose_url = _prompt_log(api)
    below, _ = _prompt_log(api, trace_parent_id=loose)
    for where, said, status, why in (
        (url, {"trace_parent_id": other}, 409, f"is nested under {root}"),
        (url, {"run_id": "run_2"}, 409, "is of the run run_1"),
        (loose_url, {"trace_parent_id": closed}, 409, "is complete"),
        (loose_url, {"trace_parent_id": loose}, 422, "Name another log"),
        (loose_url, {"trace_parent_id": below}, 422, "is nested under it: name"),
    ):
        answer = api.patch(where, json={"output": "b", **said})
        assert (answer.status_code, why in answer.text) == (status, True), answer.text
    assert api.get(f"/v5/logs/{loose}").json()["output"] == "a", "nothing was changed"
