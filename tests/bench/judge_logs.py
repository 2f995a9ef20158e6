"""What it costs to keep what a judge was sent: time, memory and room, beside the same calls kept nowhere.

    .venv/bin/python -m tests.bench.judge_logs [--rows 10000] [--sizes 1000 10000]

Starts the whole stack as `./whetstone up` does and an endpoint that answers after 10 ms, makes a run of rows, and then lets
a judge score it whose prompt has so many characters: the time from that request to every judgment committed, the worker's
largest memory, and the bytes of the judge's logs, with those of the messages alone as Postgres keeps them. The prompt is
no easier to compress than prose.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from pathlib import Path

import psycopg

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, bare, worker_bytes
from tests.bench.scoring import cases, prepare, wait
from tests.endpoint import running_endpoint

_LOGS = """
select count(*), count(*) filter (where l.error is null), sum(pg_column_size(l.*)), sum(pg_column_size(l.messages)),
       max(length(l.messages::text))
from judgment j join log l on l.id = j.judge_log_id where j.evaluator_version_id = %s
"""
_WORDS = Path(__file__).parents[1] / "data" / "squad11" / "predictions.jsonl"


def prose(characters: int, seed: int) -> str:
    """Words of real answers in an order of the seed's own."""
    words = _WORDS.read_text("utf-8").replace("{", " ").replace("}", " ").split()[:20_000]
    return " ".join(random.Random(seed).choices(words, k=characters // 6))[:characters]


def add_judge(client: Client, provider: str, characters: int) -> str:
    """The version of a judge with so long a prompt."""
    settings = {
        "model": "test",
        "provider": provider,
        "rubric": f"{prose(characters, characters)}\n\nIs {{{{log.output}}}} right?",
    }
    body = {"path": f"bench/judge {characters}", "spec": {"kind": "llm_judge", "settings": settings}}
    return client.call("POST", "/evaluators", body)["version_id"]


def most_memory(application: Application, database_url: str, run_id: str) -> int:
    """The worker's largest resident memory until the run is complete."""
    most = 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not connection.execute(
            "select 1 from run where id = %s and status = 'completed'", [run_id]
        ).fetchone():
            most = max(most, worker_bytes(application))
            time.sleep(0.05)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    options = parser.parse_args()
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
        evaluation_id, body = prepare(client, endpoint, cases(options.rows))
        run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        wait(database_url, run_id, "scored")
        baseline = asyncio.run(bare(endpoint, Case("baseline", options.rows, 200)))
        print(f"{options.rows:,} calls by a bare asyncio client, nothing kept: {baseline:.2f} s", flush=True)
        for characters in options.sizes:
            version = add_judge(client, "bench", characters)
            load, started = os.getloadavg()[0], time.perf_counter()
            added = {"evaluators": [{"version_id": version}]}
            client.call("POST", f"/evaluations/{evaluation_id}/evaluators", added)
            most = most_memory(application, database_url, run_id)
            took = time.perf_counter() - started
            with psycopg.connect(database_url) as connection:
                found = connection.execute(_LOGS, [version]).fetchone()
            assert found
            assert found[:2] == (options.rows, options.rows), found
            print(
                f"a judge with {characters:,} characters: {took:.2f} s, worker at most {most / 2**20:.0f} MiB;"
                f" a log {found[2] / options.rows / 1024:.1f} KiB, of these messages"
                f" {found[3] / options.rows / 1024:.1f} KiB (longest {found[4]:,} characters); load before {load:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
