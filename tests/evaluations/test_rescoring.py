"""A finished run is judged by further evaluators from its outputs: no call of the prompt's model is made again."""

import time
import uuid

import pytest

from tests.application import Application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import running_endpoint

pytestmark = pytest.mark.timeout(180)
ROWS = 30


def test_a_new_evaluator_makes_no_call(running_app: Application) -> None:
    name = f"again-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())
    with running_endpoint(5) as endpoint:
        evaluation_id, body = prepare(client, endpoint, Case("again", rows=ROWS, concurrency=8))
        client.call("POST", f"/evaluations/{evaluation_id}/runs", body)
        _scored(client, evaluation_id, evaluators=1)
        assert sum(endpoint.calls().values()) == ROWS
        endpoint.reset()

        settings = {"model": "test", "provider": "again", "rubric": "Is {{log.output}} right?"}
        specs = [{"kind": "contains", "settings": {}}, {"kind": "llm_judge", "settings": settings}]
        for calls, spec in zip((0, ROWS), specs, strict=True):
            version = client.call("POST", "/evaluators", {"path": f"again/{spec['kind']}", "spec": spec})
            added = {"evaluators": [{"version_id": version["version_id"]}]}
            client.call("POST", f"/evaluations/{evaluation_id}/evaluators", added)
            run = _scored(client, evaluation_id, evaluators=2 if calls == 0 else 3)
            asked = endpoint.calls()

            assert sum(asked.values()) == calls, "the judge's own calls, and no other"
            assert not [one for one in asked if one.endswith(f"ECHO<answer {ROWS - 1}>")]
            assert run["done_count"] == ROWS
            assert run["failed_count"] == 0


def _scored(client: Client, evaluation_id: str, *, evaluators: int) -> dict:
    """The run, once that many evaluators have scored it."""
    deadline = time.monotonic() + 120
    while True:
        run = client.call("GET", f"/evaluations/{evaluation_id}/runs")["runs"][0]
        stats = client.call("GET", f"/evaluations/{evaluation_id}/stats")["run_stats"][0]
        if run["status"] == "completed" and len(stats["evaluator_stats"]) == evaluators:
            return run
        assert time.monotonic() < deadline, (run, stats)
        time.sleep(0.1)
