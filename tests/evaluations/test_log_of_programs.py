"""What users' programs find in the log that they judge: all that the API's logs have, and the file that answered."""

from collections.abc import Mapping

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations.verdicts.judged_files import load_files
from app.evaluators.kinds import kind
from app.logs import repository as logs
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.evaluations.test_arrivals import ROWS, started, worked
from tests.web import with_key

MEMBERS = [
    "id",
    "file_id",
    "version_id",
    "run_id",
    "environment",
    "session_id",
    "user",
    "source",
    "source_datapoint_id",
    "trace_id",
    "trace_parent_id",
    "log_status",
    "created_at",
    "start_time",
    "end_time",
    "metadata",
    "stdout",
    "provider",
    "model",
    "tool_choice",
    "reasoning_tokens",
    "prompt_cost",
    "output_cost",
    "provider_request",
    "provider_response",
    "output",
    "output_message",
    "error",
    "inputs",
    "messages",
    "finish_reason",
    "prompt_tokens",
    "output_tokens",
    "provider_latency",
    "cost",
    "trace_children",
    "save",
    "trace_flow_id",
    "evaluator_logs",
    "prompt",
    "tool",
    "flow",
    "agent",
]


def _judge(client: TestClient, body: str) -> str:
    """The path of an evaluator that is true where every line of `body` holds."""
    lines = "\n".join(f"    assert {line}, {line!r}" for line in body.strip().splitlines())
    spec = {
        "evaluator_type": "python",
        "code": f"def judge(log, testcase):\n    assert set(log) == set({MEMBERS})\n{lines}\n    return True",
        "arguments_type": "target_free",
        "return_type": "boolean",
    }
    made = client.post("/v5/evaluators", json={"path": "ours/looks", "spec": spec})
    assert made.status_code == 200, made.text
    return "ours/looks"


def _first_judgment(client: TestClient, evaluation: str, path: str) -> Mapping[str, object]:
    records = client.get(f"{evaluation}/logs", params={"size": 1}).json()["records"]
    return next(one for one in records[0]["evaluator_logs"] if one["evaluator"]["path"] == path)


def test_a_log_that_was_sent_is_seen_whole(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    file, version = run.version.file, run.version
    path = _judge(
        client,
        f"""
log["prompt"]["id"] == {file.id!r} and log["prompt"]["path"] == {file.path!r} and log["prompt"]["type"] == "prompt"
log["prompt"]["version_id"] == log["version_id"] == {version.id!r}
log["prompt"]["model"] == {version.spec["model"]!r} and log["prompt"]["template"] == {version.spec["template"]!r}
not any(name in log["prompt"] for name in ("created_by", "readme", "environments", "last_used_at"))
log["tool"] is None and log["flow"] is None and log["agent"] is None
log["provider_request"] == {{"model": "m"}} and log["provider_response"] == {{"id": "r"}}
log["tool_choice"] == "auto" and log["run_id"] == {run.run_id!r} and log["file_id"] == {file.id!r}
log["id"].startswith("mine-") and "~" not in log["id"]
log["trace_id"] is None and log["trace_parent_id"] is None
testcase["id"] == log["source_datapoint_id"]
""",
    )
    client.post(f"{run.address}/evaluators", json={"evaluators": [{"path": path}]})
    for row in range(ROWS):
        run.send(
            row,
            log_id=f"mine-{row}",
            tool_choice="auto",
            provider_request={"model": "m"},
            provider_response={"id": "r"},
        )
    assert run.work()["status"] == "completed"

    found = _first_judgment(client, run.address, path)
    assert (found["judgment"], found["error"]) == (True, None)


def test_an_answer_that_was_made_here_is_seen_whole(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin, 2)
    with_key(client, committed_team.admin)
    path = _judge(
        client,
        f"""
log["prompt"]["version_id"] == log["version_id"] == {prompt.id!r}
log["prompt"]["template"] == {prompt.spec["template"]!r}
log["tool"] is None and log["flow"] is None
log["source"] == "evaluation" and log["trace_parent_id"] is None
""",
    )
    body = {"file": {"id": prompt.file_id}, "evaluators": [{"path": path}]}
    evaluation = f"/v5/evaluations/{client.post('/v5/evaluations', json=body).json()['id']}"
    asked = {"dataset": {"version_id": rows.id}, "version": {"version_id": prompt.id}}
    assert client.post(f"{evaluation}/runs", json=asked).status_code == 200
    run_coroutine(worked())

    found = _first_judgment(client, evaluation, path)
    assert (found["judgment"], found["error"]) == (True, None)


def test_of_a_version_that_is_gone_the_model_is_known(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    run = started(client, committed_team)
    with unit_of_work() as session:
        other = factories.prompt(session, committed_team.admin, path=run.version.file.path, temperature=0.5)
        sent = factories.logged(
            session, committed_team.admin, other, output="So.", model="m-1", provider="p-1"
        )
    gone = f"/v5/prompts/{other.file_id}/versions/{other.id}"
    assert client.delete(gone).status_code == 204
    with unit_of_work() as session:
        (log,) = logs.find_logs(session, committed_team.workspace.id, [sent]).values()
        file = load_files(session, committed_team.workspace.id, [log])[other.id]
    assert (file["model"], file["provider"], file["template"]) == ("practice-1", "practice", None)


def test_a_service_is_told_of_the_trace_and_the_file_of_a_log_that_was_sent() -> None:
    assert kind("webhook").sees_traces
