"""What evaluators see of the logs below a flow's or an agent's, and agents that are evaluated."""

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations.verdicts import children
from app.logs import repository as logs_repository
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.evaluations.test_arrivals import ROWS, started, worked
from tests.web import with_key

CODE = """
def judge(log):
    (call,) = log["trace_children"]
    (below,) = call["trace_children"]
    return call["tool"]["path"] == "ours/search" and call["output"] == "found" and below["output"] == "deep"
"""


def test_an_evaluator_sees_what_a_flow_called(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team, flow=True)
    spec = {
        "evaluator_type": "python",
        "code": CODE,
        "arguments_type": "target_free",
        "return_type": "boolean",
    }
    made = client.post("/v5/evaluators", json={"path": "ours/searched", "spec": spec})
    assert made.status_code == 200, made.text
    client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": "ours/searched"}]})
    for row in range(ROWS):
        log_id = run.send(row, None, error=None, log_status="incomplete")
        above = log_id
        for path, output in (("ours/search", "found"), ("ours/below", "deep")):
            said = {
                "path": path,
                "tool": {"function": {"name": "f"}},
                "output": output,
                "trace_parent_id": above,
            }
            called = client.post("/v5/tools/log", json=said)
            assert called.status_code == 200, called.text
            above = called.json()["id"]
        said = {"output": f"answer {row}", "log_status": "complete"}
        assert client.patch(f"/v5/flows/logs/{log_id}", json=said).status_code == 200
    assert run.work()["status"] == "completed"
    (stats,) = client.get(f"{run.address}/stats").json()["run_stats"]

    assert [stats["evaluator_stats"][1][name] for name in ("num_true", "num_errors")] == [ROWS, 0]


def test_a_long_trace_is_shown_by_its_beginning(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        flow = factories.flow(session, admin)
    with_key(client, admin)
    root = client.post("/v5/flows/log", json={"id": flow.file_id, "log_status": "incomplete"}).json()["id"]
    logs = [
        {
            "type": "tool",
            "path": "t",
            "tool": {"function": {"name": "f"}},
            "output": f"{n}",
            "trace_parent_id": root,
        }
        for n in range(children.MOST + 20)
    ]
    assert client.post("/v5/logs/batch", json={"logs": logs}).status_code == 200
    with unit_of_work() as session:
        logs_of_it = logs_repository.find_logs(session, committed_team.workspace.id, [root])
        found = children.load_children(session, committed_team.workspace.id, list(logs_of_it.values()))

    assert len(found[root]) == children.MOST


def test_an_agent_is_evaluated_by_the_outputs_that_are_sent(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        agent, rows = factories.agent(session, admin), factories.dataset(session, admin, ROWS)
        exact = factories.evaluator(session, admin)
        query = text("select datapoint_id from dataset_row where file_id = :file order by position")
        points = list(session.scalars(query, {"file": rows.file_id}))
    with_key(client, admin)
    body = {"file": {"id": agent.file_id}, "evaluators": [{"version_id": exact.id}]}
    evaluation = client.post("/v5/evaluations", json=body)
    assert evaluation.status_code == 201, evaluation.text
    address = f"/v5/evaluations/{evaluation.json()['id']}"
    asked = {"dataset": {"version_id": rows.id}, "version": {"version_id": agent.id}}
    ours = client.post(f"{address}/runs", json=asked)
    assert (ours.status_code, "runs on your side" in ours.text) == (422, True)
    run = client.post(f"{address}/runs", json=asked | {"orchestrated": False}).json()
    for number, point in enumerate(points):
        said = {
            "id": agent.file_id,
            "run_id": run["id"],
            "source_datapoint_id": point,
            "output": f"answer {number}",
        }
        sent = client.post(
            "/v5/agents/log", params={"version_id": agent.id}, json=said | {"log_status": "complete"}
        )
        assert sent.status_code == 200, sent.text
    run_coroutine(worked())
    (stats,) = client.get(f"{address}/stats").json()["run_stats"]

    assert (stats["status"], stats["evaluator_stats"][0]["num_true"]) == ("completed", ROWS)
