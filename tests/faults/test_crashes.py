"""A worker dies in the middle of a run: every row comes out exactly once, and little is asked twice."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import psutil
import psycopg
import pytest

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, finishes_exactly_once, wait_for
from tests.faults.conftest import Figures
from tests.faults.lengths import LENGTHS, moment
from tests.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
CASE = Case("crash", rows=2_000, concurrency=50)
DONE_S = 60
"""From the kill to the end of the run, which takes 4 s when nothing happens."""


@pytest.fixture(scope="module")
def application(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    home: Path = tmp_path_factory.mktemp("crash")
    with start_application(home, stack.create_database(), stack.redis_database()) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def client(application: Application) -> Client:
    application.run("init", "--workspace", "Crash", "--email", "crash@example.com").check_returncode()
    made = application.run("key", "create", "--workspace", "crash", "--name", "tests", "--role", "admin")
    return Client(application.url, made.stdout.strip())


@pytest.fixture(scope="module")
def prepared(client: Client, endpoint: Endpoint) -> tuple[str, dict]:
    return prepare(client, endpoint, CASE)


def kill_pool_child(application: Application, chance: Random) -> None:
    os.kill(chance.choice(application.pool_children()), signal.SIGKILL)


def kill_worker_tree(application: Application, chance: Random) -> None:
    worker = application.children()["worker"]
    family = [psutil.Process(worker), *psutil.Process(worker).children(recursive=True)]
    for process in family:
        process.kill()
    application.wait_until_restarted("worker", worker)


@pytest.mark.parametrize(("kill", "number"), LENGTHS.cases("crashes", (kill_pool_child, kill_worker_tree)))
def test_killing_a_worker_costs_no_row_and_few_calls(
    application: Application,
    client: Client,
    endpoint: Endpoint,
    prepared: tuple[str, dict],
    seed: int,
    figures: Figures,
    kill: Callable[[Application, Random], None],
    number: int,
) -> None:
    evaluation_id, body = prepared
    endpoint.reset()
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    share = moment(seed, kill.__name__, number)
    wait_for(application, run_id, lambda done, status: done >= CASE.rows * share)

    kill(application, Random(f"{seed} {number}"))

    killed = time.monotonic()
    finishes_exactly_once(application, endpoint, run_id, CASE, kills=1)
    ended_s = time.monotonic() - killed
    repeated = sum(endpoint.calls().values()) - CASE.rows
    figures(f"R5 {kill.__name__} at {share:.0%} of a run", ended_s=ended_s, repeated=repeated)
    assert ended_s < DONE_S


def test_killing_a_worker_while_it_writes_loses_nothing(
    application: Application, client: Client, endpoint: Endpoint, prepared: tuple[str, dict]
) -> None:
    """Another session holds the run's row, so that a batch is half written when the process dies."""
    evaluation_id, body = prepared
    endpoint.reset()
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    wait_for(application, run_id, lambda done, status: done >= 100)

    with psycopg.connect(dsn(application)) as blocker:
        blocker.execute("select from run where id = %s for update", [run_id])
        _wait_for_blocked_write(application)
        kill_worker_tree(application, Random())

    finishes_exactly_once(application, endpoint, run_id, CASE, kills=1)


def _wait_for_blocked_write(application: Application) -> None:
    deadline = time.monotonic() + 10
    with psycopg.connect(dsn(application), autocommit=True) as connection:
        while not connection.execute(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        ).fetchone()[0]:
            assert time.monotonic() < deadline, "no write was waiting"
            time.sleep(0.01)
