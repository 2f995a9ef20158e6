"""How fast a finished run is scored by further evaluators, beside the same judging in a plain loop.

    .venv/bin/python -m tests.bench.scoring [--rows 10000] [--runs 3]

Starts the whole stack as `./whetstone up` does and an endpoint, makes a run with one evaluator, then adds six built-in
ones at once: time from that request to every judgment committed and the run complete again, and to its scores with their
intervals. The endpoint's own call log must stay empty meanwhile. The goal is 20 s for 10,000 rows on two cores.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psycopg

from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Execution, Row
from tests.application import start_application
from tests.bench.eval_throughput import Client, cpu_seconds
from tests.endpoint import Endpoint, running_endpoint

GOAL_S = 20.0
KINDS: dict[str, dict[str, Any]] = {
    "contains": {},
    "token_f1": {},
    "edit_distance": {},
    "rouge": {},
    "bleu": {},
    "class_match": {},
}
_PREDICTIONS = Path(__file__).parents[1] / "data" / "squad11" / "predictions.jsonl"


def cases(count: int) -> list[tuple[str, str]]:
    """Outputs and targets: answers of a system to SQuAD's questions, repeated, each with a number of its own."""
    found = [json.loads(line) for line in _PREDICTIONS.read_text("utf-8").splitlines()]
    texts = [(one["match_lstm"].translate(_PLAIN), one["answers"][0].translate(_PLAIN)) for one in found]
    return [
        (f"{texts[n % len(texts)][0]} {n}", f"{texts[n % len(texts)][1]} {n if n % 3 else 'x'}")
        for n in range(count)
    ]


_PLAIN = str.maketrans("<>\\", "   ")


def prepare(client: Client, endpoint: Endpoint, rows: list[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """An evaluation with one evaluator; its id and the body that starts a run."""
    client.call("POST", "/providers", {"name": "bench", "base_url": endpoint.base_url, "api_key": "none"})
    template = [{"role": "user", "content": "{{question}}"}]
    prompt = {"path": "bench/prompt", "template": template, "model": "test", "provider": "bench"}
    client.call("POST", "/prompts", prompt)
    made = client.call("POST", "/datasets", {"path": "bench/rows", "datapoints": []})
    lines = b"\n".join(
        orjson.dumps({"inputs": {"question": f"ECHO<{output}>"}, "target": {"answer": target}})
        for output, target in rows
    )
    client.call("POST", f"/datasets/{made['id']}/import?action=set&filename=rows.jsonl", lines, "text/plain")
    newest = client.call("GET", f"/datasets/{made['id']}/versions")["records"][0]["version_id"]
    first = add_evaluator(client, "exact", {}, "first")
    evaluation = client.call(
        "POST", "/evaluations", {"file": {"path": "bench/prompt"}, "evaluators": [{"version_id": first}]}
    )
    run = {"dataset": {"version_id": newest}, "version": {"path": "bench/prompt"}, "concurrency": 200}
    return evaluation["id"], run


def add_evaluator(client: Client, name: str, settings: dict[str, Any], folder: str) -> str:
    """The id of a new evaluator's version."""
    body = {"path": f"bench/{folder}/{name}", "spec": {"kind": name, "settings": settings}}
    return client.call("POST", "/evaluators", body)["version_id"]


def judge_in_a_loop(rows: list[tuple[str, str]]) -> float:
    """Seconds that judging alone takes, in one process and without anything kept."""
    bound = [kind(name).prepare(settings) for name, settings in KINDS.items()]
    for one in bound:
        one.load()
    nothing: dict[str, Any] = dict.fromkeys(
        ("error", "latency_ms", "cost_usd", "prompt_tokens", "output_tokens", "output_message")
    )
    started = time.perf_counter()
    for output, target in rows:
        execution = Execution(output=output, inputs={}, messages=[], **nothing)
        row = Row({}, [], {"answer": target}, None, None)
        for one in bound:
            one.judge(execution, row)
    return time.perf_counter() - started


def wait(database_url: str, run_id: str, column: str) -> float:
    """When the run is complete, or scored, by this process's clock."""
    done = {"complete": "status = 'completed'", "scored": "scored_at is not null and status = 'completed'"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not connection.execute(
            f"select 1 from run where id = %s and {done[column]}", [run_id]
        ).fetchone():
            time.sleep(0.02)
    return time.perf_counter()


def judged(database_url: str, run_id: str) -> tuple[int, int]:
    """How many judgments a run has, and how many of them are errors."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "select count(*), count(j.error) from judgment j join log l on l.id = j.log_id where l.run_id = %s",
            [run_id],
        ).fetchone()
    assert found
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rows = cases(options.rows)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_endpoint(10) as endpoint,
        start_application(Path(folder)) as application,
    ):
        application.wait_until_ready()
        application.run("init", "--workspace", "Bench", "--email", "bench@example.com").check_returncode()
        made = application.run("key", "create", "--workspace", "bench", "--name", "bench", "--role", "admin")
        client = Client(application.url, made.stdout.strip())
        database_url = application.database_url.replace("+psycopg", "")
        evaluation_id, body = prepare(client, endpoint, rows)
        took = []
        run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        wait(database_url, run_id, "scored")
        for number in range(1, options.runs + 1):
            before, errors_before = judged(database_url, run_id)
            versions = [add_evaluator(client, name, one, f"run {number}") for name, one in KINDS.items()]
            endpoint.reset()
            load, used = os.getloadavg()[0], cpu_seconds(application.children())
            started = time.perf_counter()
            added = {"evaluators": [{"version_id": version} for version in versions]}
            client.call("POST", f"/evaluations/{evaluation_id}/evaluators", added)
            complete = wait(database_url, run_id, "complete") - started
            cpu = cpu_seconds(application.children()) - used
            scored = wait(database_url, run_id, "scored") - started
            after, errors = judged(database_url, run_id)
            assert after - before == len(KINDS) * options.rows, (before, after)
            assert errors == errors_before
            assert not endpoint.calls(), "a call was made"
            took.append(complete)
            print(
                f"run {number}: {options.rows:,} rows × {len(KINDS)} judged and committed in {complete:.2f} s,"
                f" scores after {scored:.2f} s; until committed {cpu.total():.1f} s of processor"
                f" ({', '.join(f'{name} {seconds:.1f}' for name, seconds in cpu.most_common(4))}), no call;"
                f" load before {load:.2f}",
                flush=True,
            )
            for version in versions:
                client.call("DELETE", f"/evaluations/{evaluation_id}/evaluators/{version}")
    loop = judge_in_a_loop(rows)
    print(f"baseline: judging alone, in one process, nothing kept: {loop:.2f} s")
    print(f"median {statistics.median(took):.2f} s, goal {GOAL_S:g} s for 10,000 rows")


if __name__ == "__main__":
    main()
