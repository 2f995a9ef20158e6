"""How fast a run is, from the POST to its being complete and committed, beside a bare asyncio client.

    .venv/bin/python -m tests.bench.eval_throughput [--runs 5] [--case small|large|wide|judge|memory|all]

Starts the whole stack as `./whetstone up` does (Postgres with fsync on, Valkey, web, worker) and an endpoint that
answers after 100 ms. Prints every run with the load of the machine before it, the medians, and what all our
processes used per row. `memory` runs 1,000 and then 50,000 rows, and prints the workers' largest memory in each.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import psutil
import psycopg

from tests.application import Application, start_application
from tests.endpoint import Endpoint, running_endpoint


@dataclass(frozen=True)
class Case:
    """What is measured."""

    name: str
    rows: int
    concurrency: int
    judge: bool = False

    @property
    def ideal_s(self) -> float:
        """Calls one after another in full windows of 100 ms."""
        return self.rows * (2 if self.judge else 1) * 0.1 / self.concurrency


CASES = {
    "small": Case("N=1,000 at 50", 1_000, 50),
    "large": Case("N=5,000 at 50", 5_000, 50),
    "wide": Case("N=5,000 at 200", 5_000, 200),
    "judge": Case("N=1,000 at 50 with a judge", 1_000, 50, judge=True),
}


class Client:
    """Plain HTTP against the API."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def call(self, method: str, path: str, body: object = None, kind: str = "application/json") -> dict:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self._key, "content-type": kind}
        request = urllib.request.Request(f"{self._url}/v5{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"{}")


def rows_of(case: Case) -> bytes:
    return b"\n".join(
        orjson.dumps({"inputs": {"question": f"{n}: ECHO<answer {n}>"}, "target": {"answer": f"answer {n}"}})
        for n in range(case.rows)
    )


def prepare(client: Client, endpoint: Endpoint, case: Case) -> tuple[str, dict]:
    """Files and evaluation of a case; the evaluation's id and the body that starts a run."""
    client.call("POST", "/providers", {"name": case.name, "base_url": endpoint.base_url, "api_key": "none"})
    template = [
        {"role": "system", "content": "Answer with the text between the angle brackets."},
        {"role": "user", "content": "{{question}}"},
    ]
    asked = {"model": "test", "provider": case.name}
    client.call("POST", "/prompts", {"path": f"bench/{case.name}", "template": template, **asked})
    made = client.call("POST", "/datasets", {"path": f"bench/rows {case.name}", "datapoints": []})
    client.call(
        "POST", f"/datasets/{made['id']}/import?action=set&filename=rows.jsonl", rows_of(case), "text/plain"
    )
    kind = {"kind": "exact", "settings": {}}
    evaluators = [client.call("POST", "/evaluators", {"path": f"bench/exact {case.name}", "spec": kind})]
    if case.judge:
        settings = {**asked, "rubric": "Is {{log.output}} the same as {{testcase.target.answer}}?"}
        spec = {"kind": "llm_judge", "settings": settings}
        evaluators.append(
            client.call("POST", "/evaluators", {"path": f"bench/judge {case.name}", "spec": spec})
        )
    evaluation = client.call(
        "POST",
        "/evaluations",
        {
            "file": {"path": f"bench/{case.name}"},
            "evaluators": [{"version_id": e["version_id"]} for e in evaluators],
        },
    )
    newest = client.call("GET", f"/datasets/{made['id']}/versions")["records"][0]["version_id"]
    run = {"dataset": {"version_id": newest}, "version": {"path": f"bench/{case.name}"}}
    return evaluation["id"], {**run, "concurrency": case.concurrency, "fresh": True}


def cpu_seconds(leaders: dict[str, int]) -> Counter[str]:
    """Processor time so far of these processes and their children, by name; one that ended is not in it."""
    total: Counter[str] = Counter()
    for name, pid in leaders.items():
        try:
            leader = psutil.Process(pid)
            for process in (leader, *leader.children(recursive=True)):
                times = process.cpu_times()
                total[name] += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def worker_bytes(application: Application) -> int:
    """Resident memory of the worker's pool processes, shared pages counted once in each."""
    return sum(psutil.Process(pid).memory_info().rss for pid in application.pool_children())


def run_once(
    client: Client, application: Application, evaluation_id: str, body: dict
) -> tuple[float, Counter[str], int]:
    """Seconds from the POST to complete and committed, processor seconds of our processes, peak bytes of the worker."""
    leaders, most = application.children(), 0
    before, started = cpu_seconds(leaders), time.perf_counter()
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    # Asked of the database itself: what is committed is complete, and watching must not cost what is measured.
    with psycopg.connect(application.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        while connection.execute("select status from run where id = %s", [run_id]).fetchone() != (
            "completed",
        ):
            most = max(most, worker_bytes(application))
            time.sleep(0.01)
    took = time.perf_counter() - started
    time.sleep(1)  # scores are worked out after the run; their processor time counts, too
    runs = {run["id"]: run for run in client.call("GET", f"/evaluations/{evaluation_id}/runs")["runs"]}
    assert runs[run_id]["done_count"] == runs[run_id]["items_count"]
    assert runs[run_id]["failed_count"] == 0
    return took, cpu_seconds(leaders) - before, most


async def bare(endpoint: Endpoint, case: Case) -> float:
    """The same calls by an asyncio client that keeps nothing."""
    gate, started = asyncio.Semaphore(case.concurrency), time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=case.concurrency)) as session:

        async def call(n: int) -> None:
            async with gate:
                for _ in range(2 if case.judge else 1):
                    message = {"role": "user", "content": f"{n}: ECHO<answer {n}>"}
                    body = {"model": "test", "messages": [message]}
                    async with session.post(f"{endpoint.base_url}/chat/completions", json=body) as answer:
                        await answer.read()

        await asyncio.gather(*(call(n) for n in range(case.rows)))
    return time.perf_counter() - started


def measure(
    case: Case,
    runs: int,
    application: Application,
    client: Client,
    endpoint: Endpoint,
) -> None:
    evaluation_id, body = prepare(client, endpoint, case)
    baseline = asyncio.run(bare(endpoint, case))
    print(f"\n{case.name}: ideal {case.ideal_s:.2f} s, bare asyncio client {baseline:.2f} s")
    found = []
    for number in range(1, runs + 1):
        load = os.getloadavg()[0]
        took, used, _ = run_once(client, application, evaluation_id, body)
        cpu = used.total() / case.rows * 1000
        found.append((took, cpu))
        parts = ", ".join(f"{name} {seconds / case.rows * 1000:.2f}" for name, seconds in used.most_common(5))
        print(
            f"  run {number}: {took:.2f} s, {cpu:.2f} ms CPU a row ({parts}), load before {load:.2f}",
            flush=True,
        )
    took, cpu = (statistics.median(values) for values in zip(*found, strict=True))
    print(f"  median: {took:.2f} s ({case.ideal_s / took:.0%} of ideal), {cpu:.2f} ms CPU a row", flush=True)


def measure_memory(application: Application, client: Client, endpoint: Endpoint) -> None:
    """Print the workers' largest memory in a run of 1,000 rows, and then in one of 50,000."""
    print()
    for rows in (1_000, 50_000):
        evaluation_id, body = prepare(client, endpoint, Case(f"N={rows:,} at 200, memory", rows, 200))
        took, _, most = run_once(client, application, evaluation_id, body)
        print(f"N={rows:,}: {took:.2f} s, worker pool at most {most / 2**20:.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--case", choices=[*CASES, "memory", "all"], default="all")
    options = parser.parse_args()
    chosen = [case for name, case in CASES.items() if options.case in (name, "all")]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_endpoint(100) as endpoint,
        start_application(Path(folder)) as application,
    ):
        application.wait_until_ready()
        application.run("init", "--workspace", "Bench", "--email", "bench@example.com").check_returncode()
        made = application.run("key", "create", "--workspace", "bench", "--name", "bench", "--role", "admin")
        client = Client(application.url, made.stdout.strip())
        for case in chosen:
            measure(case, options.runs, application, client, endpoint)
        if options.case in ("memory", "all"):
            measure_memory(application, client, endpoint)


if __name__ == "__main__":
    main()
