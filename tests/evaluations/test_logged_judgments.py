"""What clients log with a judgment beside it: all that the SDK sends, and that the judge is done."""

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

LOG = "/v5/evaluators/log"


def test_a_judgment_is_logged_as_the_sdk_logs_it(client: TestClient, committed_team: factories.Team) -> None:
    """All members of the client's `evaluators.log`."""
    with unit_of_work() as session:
        admin = committed_team.admin
        flow = factories.flow(session, admin)
        log_id = factories.logged(session, admin, flow, output="x", session_id="s-1")
    said = {
        "path": "evals/match", "id": None, "parent_id": log_id, "judgment": 0.5, "error": None,
        "start_time": "2024-07-08T22:40:35Z", "end_time": "2024-07-08T22:40:36Z",
        "output": "half of it", "created_at": "2024-07-08T22:40:37Z", "provider_latency": 0.1, "stdout": "printed",
        "inputs": {"a": 1, "b": None}, "provider_request": {"model": "m"}, "provider_response": {"id": "r-1"},
        "source": "sdk", "metadata": {"k": "v"}, "log_status": "complete", "source_datapoint_id": "dp-1",
        "trace_parent_id": log_id, "user": None, "environment": "staging", "save": None, "log_id": "mine-1",
        "output_message": {"role": "assistant", "content": "half"}, "marked_completed": None,
        "spec": {
            "evaluator_type": "external", "arguments_type": "target_free", "return_type": "number",
            "attributes": {"code": "def match(log): ..."},
        },
    }  # fmt: skip
    answer = with_key(client, committed_team.admin).post(LOG, json=said)

    assert answer.status_code == 200, answer.text
    given = answer.json()
    assert (given["parent_id"], given["session_id"]) == (log_id, "s-1")
    (shown,) = client.get(f"/v5/logs/{log_id}").json()["evaluator_logs"]
    assert shown["id"] == given["id"] == "mine-1"
    beside = (
        "output", "provider_latency", "inputs", "provider_request", "provider_response", "source", "log_status",
        "source_datapoint_id", "trace_parent_id", "environment", "created_at",
    )  # fmt: skip
    assert {name: shown[name] for name in beside} == {name: said[name] for name in beside}
    assert client.get("/v5/logs/mine-1").json()["parent"]["id"] == log_id
    assert (shown["judgment"], shown["stdout"], shown["metadata"]) == (0.5, "printed", {"k": "v"})
    assert (shown["start_time"], shown["end_time"]) == ("2024-07-08T22:40:35Z", "2024-07-08T22:40:36Z")
    assert shown["output_message"] == {"role": "assistant", "content": "half"}
    assert shown["evaluator"]["version_id"] == given["version_id"]
    assert shown["marked_completed"] is False


def test_being_done_is_said_with_a_judgment_or_alone(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        human, flow = factories.evaluator(session, admin, "human"), factories.flow(session, admin)
        logs = [factories.logged(session, admin, flow) for _ in range(2)]
    with_key(client, committed_team.admin)
    one = {"parent_id": logs[0], "path": human.file.path}

    def said() -> tuple[object, bool, object]:
        shown = client.get(f"/v5/logs/{logs[0]}").json()["evaluator_logs"]
        (mine,) = [each for each in shown if each["evaluator_version_id"] == human.id]
        return mine["judgment"], mine["marked_completed"], mine["rationale"]

    assert client.post(LOG, json=one | {"judgment": True, "rationale": "seen"}).status_code == 200
    assert client.post(LOG, json=one | {"marked_completed": True}).status_code == 200
    assert said() == (True, True, "seen"), "what was said before stays"
    assert client.post(LOG, json=one | {"judgment": False}).status_code == 200
    assert said() == (False, True, None), "and so does the mark"
    assert client.post(LOG, json=one | {"marked_completed": False}).status_code == 200
    assert said() == (False, False, None)
    assert client.post(LOG, json=one).status_code == 422
    first = {"parent_id": logs[1], "path": human.file.path, "marked_completed": True}
    assert client.post(LOG, json=first).status_code == 200, "also before any judgment"


def test_an_id_of_ones_own_is_of_one_judgment(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        human, flow = factories.evaluator(session, admin, "human"), factories.flow(session, admin)
        logs = [factories.logged(session, admin, flow) for _ in range(2)]
    with_key(client, committed_team.admin)
    said = {"parent_id": logs[0], "path": human.file.path, "judgment": True}

    def given(**more: object) -> str:
        answer = client.post(LOG, json=said | more)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    first = given()
    assert given(judgment=False) == first, "the same author's word on the same log"
    assert given(log_id="mine-1") == "mine-1"
    assert given(log_id="mine-1", judgment=False) == "mine-1", "sent again"
    assert given() == "mine-1"
    assert client.get(f"/v5/logs/{first}").status_code == 404, "there is one judgment, under its own id"
    (shown,) = client.get(f"/v5/logs/{logs[0]}").json()["evaluator_logs"]
    assert (shown["id"], shown["judgment"]) == ("mine-1", True)
    taken = [{"log_id": "mine-1", "parent_id": logs[1]}, {"log_id": logs[1]}, {"log_id": logs[0]}]
    for more in taken:
        answer = client.post(LOG, json=said | more)
        assert answer.status_code == 409, answer.text
    assert client.get(f"/v5/logs/{logs[1]}").json()["evaluator_logs"] == []


def test_what_is_not_to_be_kept_with_a_judgment_is_not(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        human, flow = factories.evaluator(session, admin, "human"), factories.flow(session, admin)
        log_id = factories.logged(session, admin, flow)
    payloads = {
        "inputs": {"a": "secret"}, "output": "secret", "output_message": {"role": "user", "content": "secret"},
        "provider_request": {"a": "secret"}, "provider_response": {"a": "secret"}, "stdout": "secret",
    }  # fmt: skip
    body = {"parent_id": log_id, "path": human.file.path, "judgment": True, "source": "sdk", "save": False}
    answer = with_key(client, committed_team.admin).post(LOG, json=body | payloads)
    assert answer.status_code == 200, answer.text
    shown = client.get(f"/v5/logs/{log_id}")
    assert "secret" not in shown.text
    (judgment,) = shown.json()["evaluator_logs"]
    assert (judgment["judgment"], judgment["source"], judgment["inputs"]) == (True, "sdk", {})


def test_beside_a_judgment_of_a_log_without_payloads_none_is_kept(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
    with_key(client, committed_team.admin)
    log = {"path": "support/answer", "prompt": {"model": "m"}, "output": "secret", "save": False}
    log_id = client.post("/v5/prompts/log", json=log).json()["id"]
    body = {"parent_id": log_id, "path": human.file.path, "judgment": True, "source": "sdk"}
    payloads = {
        "inputs": {"a": "secret"},
        "output": "secret",
        "provider_request": {"a": "secret"},
        "stdout": "secret",
    }

    assert client.post(LOG, json=body | payloads).status_code == 200
    shown = client.get(f"/v5/logs/{log_id}")
    assert "secret" not in shown.text
    (judgment,) = shown.json()["evaluator_logs"]
    assert (judgment["judgment"], judgment["source"]) == (True, "sdk")
