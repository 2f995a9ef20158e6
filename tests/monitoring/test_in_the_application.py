"""Monitoring in the whole application: a log whose message was lost is found by the reaper, and judged by a worker."""

import time
import uuid

import psycopg

from tests.application import Application
from tests.bench.eval_throughput import Client


def test_the_reaper_and_a_worker_judge_a_log_that_waits(running_app: Application) -> None:
    name = f"watch-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())
    prompt = client.call("POST", "/prompts", {"path": "a/prompt", "model": "practice-1", "template": "hi"})
    spec = {"kind": "contains", "settings": {"text": "card"}}
    evaluator = client.call("POST", "/evaluators", {"path": "a/card", "spec": spec})
    activate = {"activate": [{"evaluator_version_id": evaluator["version_id"]}]}
    client.call("POST", f"/prompts/{prompt['id']}/evaluators", activate)

    log_id = f"log_{name}"
    with psycopg.connect(running_app.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        (workspace_id,) = connection.execute(
            "select workspace_id from file where id = %s", [prompt["id"]]
        ).fetchone()
        connection.execute(
            "insert into log (id, workspace_id, file_id, version_id, source, output)"
            " values (%s, %s, %s, %s, 'sdk', 'a card')",
            [log_id, workspace_id, prompt["id"], prompt["version_id"]],
        )
        connection.execute(
            "insert into log_to_judge (log_id, workspace_id) values (%s, %s)", [log_id, workspace_id]
        )
        deadline = time.monotonic() + 60
        while connection.execute("select 1 from log_to_judge where log_id = %s", [log_id]).fetchone():
            assert time.monotonic() < deadline, "nobody judged it"
            time.sleep(0.2)
    (said,) = client.call("GET", f"/logs/{log_id}")["evaluator_logs"]
    assert (said["judgment"], said["error"]) == (True, None)
