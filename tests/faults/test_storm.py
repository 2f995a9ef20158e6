"""A provider refuses nearly everything for a while: what it asks for is honoured, and others do not suffer."""

import asyncio
import itertools
import random
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, wait_for
from tests.fault_provider import FaultProvider, _said, running_fault_provider
from tests.faults.conftest import Figures
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS
from tests.stack import Stack

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("storm"),
    pytest.mark.timeout(300 + 2 * LENGTHS.storm_s),
]
RETRY_AFTER_S = 5
REFUSED = 0.9
ROWS, CONCURRENCY = 200, 20
OTHER = Case("other", rows=240, concurrency=20)
OTHERS = 3
FACTOR = 1.5
CALM_LATENCY_S = 1.0


@dataclass
class Moody(FaultProvider):
    """Slow while it is calm; in a storm it refuses nine of ten calls at once."""

    chance: random.Random = field(default_factory=random.Random)
    storm_until: float = 0.0
    calls: dict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))
    """When each row was asked for, and whether it was refused."""

    async def _reply_to(self, head, reader, writer) -> bool:
        if time.monotonic() >= self.storm_until:
            await asyncio.sleep(CALM_LATENCY_S)
        return await super()._reply_to(head, reader, writer)

    def _answer(self, asked: str) -> bytes:
        refused = time.monotonic() < self.storm_until and self.chance.random() < REFUSED
        self.calls[asked].append((time.monotonic(), refused))
        if refused:
            return _said(429, "not now", retry_after=str(RETRY_AFTER_S))
        return super()._answer(asked)


@pytest.fixture(scope="module")
def application(stack: Stack, tmp_path_factory: pytest.TempPathFactory):
    urls = stack.create_database(), stack.redis_database()
    with start_application(tmp_path_factory.mktemp("storm"), *urls) as running:
        running.wait_until_ready()
        yield running


def _prepare_moody(client: Client, provider: Moody) -> tuple[str, dict]:
    client.call("POST", "/providers", {"name": "moody", "base_url": provider.url})
    prompt = {"template": [{"role": "user", "content": "{{q}}"}], "model": "m", "provider": "moody"}
    client.call("POST", "/prompts", {"path": "storm/asked", **prompt})
    points = [{"inputs": {"q": f"row {n}"}} for n in range(ROWS)]
    rows = client.call("POST", "/datasets", {"path": "storm/rows", "datapoints": points})
    evaluation = client.call("POST", "/evaluations", {"file": {"path": "storm/asked"}})
    body = {"dataset": {"version_id": rows["version_id"]}, "version": {"path": "storm/asked"}}
    return evaluation["id"], {**body, "concurrency": CONCURRENCY, "fresh": True}


def _others(
    application: Application, client: Client, evaluation_id: str, body: dict
) -> list[tuple[float, float]]:
    """Runs of the other provider, one after another: how long each waited for a worker, and then took."""
    found = []
    for _ in range(OTHERS):
        run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        wait_for(application, run_id, lambda _, status: status == "completed")
        with psycopg.connect(dsn(application)) as connection:
            query = """
                select extract(epoch from started_at - created_at), extract(epoch from finished_at - started_at)
                from run where id = %s
            """
            waited, took = connection.execute(query, [run_id]).fetchone()
        found.append((float(waited), float(took)))
    return found


def test_a_storm_of_refusals_is_waited_out_and_slows_nobody_else(
    application: Application, endpoint: Endpoint, seed: int, figures: Figures
) -> None:
    client = Doors(application).client
    with running_fault_provider(Moody(chance=random.Random(seed))) as moody:
        evaluation_id, body = _prepare_moody(client, moody)
        other = prepare(client, endpoint, OTHER)
        start = f"/evaluations/{evaluation_id}/runs"

        calm_id = client.call("POST", start, body)["id"]
        wait_for(application, calm_id, lambda _, status: status == "running")
        calm = _others(application, client, *other)
        client.call("PATCH", f"{start}/{calm_id}", {"status": "cancelled"})

        moody.calls.clear()
        began = time.monotonic()
        moody.storm_until = began + LENGTHS.storm_s
        stormy_id = client.call("POST", start, body)["id"]
        wait_for(application, stormy_id, lambda _, status: status == "running")
        time.sleep(2)  # every call has been refused once
        stormy = _others(application, client, *other)
        in_storm = time.monotonic() < moody.storm_until + 2
        wait_for(application, stormy_id, lambda _, status: status == "completed", timeout_s=240)
        took = time.monotonic() - began

    stormy_run = next(run for run in client.call("GET", start)["runs"] if run["id"] == stormy_id)
    made = sum(len(calls) for calls in moody.calls.values())
    refusals = sum(refused for calls in moody.calls.values() for _, refused in calls)
    # What a client with so many calls at once needs that asks again exactly when it was told to.
    needed = ROWS + CONCURRENCY * (LENGTHS.storm_s / RETRY_AFTER_S)
    pauses = [
        after - before
        for calls in moody.calls.values()
        for (before, refused), (after, _) in itertools.pairwise(calls)
        if refused
    ]
    waits, times = ([each[part] for each in stormy] for part in (0, 1))
    usual = min(took for _, took in calm)
    figures(
        f"R11 {REFUSED:.0%} refused for {LENGTHS.storm_s:g} s, {ROWS} rows at {CONCURRENCY}",
        calls=made, refusals=refusals, needed=needed, factor=made / needed, run_s=took,
        shortest_pause_s=min(pauses), longest_pause_s=max(pauses),
        other_s=min(times), other_beside_a_calm_run_s=usual, other_waited_s=max(waits),
    )  # fmt: skip

    assert stormy_run["failed_count"] == 0
    assert refusals > CONCURRENCY
    assert made / needed <= FACTOR
    assert min(pauses) >= RETRY_AFTER_S
    assert statistics.stdev(pauses) > 0.1, "they do not all come back at once"
    assert in_storm, "the others ran while it stormed"
    assert max(waits) < RETRY_AFTER_S
    assert min(times) <= usual * 1.1 + 0.2
