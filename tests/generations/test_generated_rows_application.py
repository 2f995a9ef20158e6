"""Rows that a prompt writes, in the whole application: by a worker's task, and by the reaper where its message was lost."""

import time
import uuid

import psycopg

from tests.application import Application
from tests.bench.eval_throughput import Client
from tests.endpoint import running_endpoint

ROW = '{"inputs.question": "Where is card #?", "target.answer": "lost"}'


def test_a_worker_writes_them_and_a_lost_message_is_made_up_for(running_app: Application) -> None:
    name = f"rows-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())
    with running_endpoint(50) as endpoint:
        client.call("POST", "/providers", {"name": "fake", "base_url": endpoint.base_url, "api_key": "k"})
        template = [{"role": "user", "content": f"ROWS<{ROW}>ROWS"}]
        prompt = {"path": "a/writer", "model": "writer", "provider": "fake", "template": template}
        client.call("POST", "/prompts", prompt)
        dataset = client.call(
            "POST", "/datasets", {"path": "a/rows", "datapoints": [{"inputs": {"question": "?"}}]}
        )
        base = f"/datasets/{dataset['id']}/generations"
        wanted = {
            "prompt_path": "a/writer", "rows": 30, "rows_a_call": 5, "examples": 0,
            "columns": ["inputs.question", "target.answer"],
        }  # fmt: skip
        assert written(client, f"{base}/{client.call('POST', base, wanted)['id']}")["rows_added"] == 30
        # A message that nobody got: the row is there as a start leaves it, and only the reaper knows.
        with psycopg.connect(running_app.database_url.replace("+psycopg", ""), autocommit=True) as connection:
            (again,) = connection.execute(
                "update row_generation set status = 'running', finished_at = null where workspace_id ="
                " (select workspace_id from file where id = %s) returning id",
                [dataset["id"]],
            ).fetchone()
            connection.execute(
                "insert into row_generation_call (generation_id, number, rows_asked) values (%s, 7, 5)",
                [again],
            )
        shown = written(client, f"{base}/{again}")
        assert (shown["calls"], shown["rows_added"]) == (7, 35)
        assert shown["records"][6]["log_id"]
        assert client.call("GET", f"/datasets/{dataset['id']}/draft")["added"] == 35


def written(client: Client, address: str) -> dict:
    deadline = time.monotonic() + 60
    while (shown := client.call("GET", address))["status"] == "running":
        assert time.monotonic() < deadline, f"nobody wrote them: {shown}"
        time.sleep(0.2)
    return shown
