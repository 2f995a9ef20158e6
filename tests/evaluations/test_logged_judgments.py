"""What clients log with a judgment beside it: all that the SDK sends, and that the judge is done."""

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

LOG = "/v5/evaluators/log"


def test_a_judgment_is_logged_as_the_sdk_logs_it(client: TestClient, committed_team: factories.Team) -> None:
    """All members of the client's `evaluators.log`: those that say nothing here are ignored."""
    with unit_of_work() as session:
        admin = committed_team.admin
        flow = factories.flow(session, admin)
        log_id = factories.logged(session, admin, flow, output="x", session_id="s-1")
    said = {
        "path": "evals/match", "id": None, "parent_id": log_id, "judgment": 0.5, "error": None,
        "start_time": "2024-07-08T22:40:35Z", "end_time": "2024-07-08T22:40:36Z",
        "output": None, "created_at": None, "provider_latency": 0.1, "stdout": "printed", "inputs": {"a": 1},
        "provider_request": None, "provider_response": None, "source": "sdk", "metadata": {"k": "v"},
        "log_status": None, "source_datapoint_id": None, "trace_parent_id": None, "user": None,
        "environment": None, "save": None, "log_id": None,
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
    assert shown["id"] == given["id"]
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
