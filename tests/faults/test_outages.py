"""The broker or the database goes away in the middle of a run: pages answer or say so, and every row comes out once."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, finishes_exactly_once, wait_for
from tests.faults.conftest import Figures, Watch
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS, moment

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("outages"), pytest.mark.timeout(240)]
CASE = Case("outage", rows=1_500, concurrency=50)
BACK_S = 20
"""How long pages may say that the database is away, from its death on."""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A stack with databases of its own, which may be killed."""
    home: Path = tmp_path_factory.mktemp("outage")
    with start_application(home) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def prepared(application: Application, endpoint: Endpoint) -> tuple[Client, str, dict]:
    application.run("init", "--workspace", "Out", "--email", "out@example.com").check_returncode()
    made = application.run("key", "create", "--workspace", "out", "--name", "tests", "--role", "admin")
    client = Client(application.url, made.stdout.strip())
    return client, *prepare(client, endpoint, CASE)


@pytest.fixture(scope="module")
def doors(application: Application) -> Doors:
    return Doors(application)


@pytest.fixture(scope="module")
def call(doors: Doors, answering: Endpoint) -> Callable[[], int]:
    return doors.caller(answering.base_url)


def flush_broker(application: Application) -> None:
    with Redis.from_url(application.settings()["WHETSTONE_REDIS_URL"]) as broker:
        broker.flushall()


def kill_broker(application: Application) -> None:
    application.wait_until_restarted("valkey", application.kill("valkey"))


def kill_database(application: Application) -> None:
    """As power loss would: the postmaster and all its processes at once."""
    pid = application.children()["postgres"]
    os.kill(pid, signal.SIGKILL)
    application.wait_until_restarted("postgres", pid)


@pytest.mark.parametrize(
    ("fault", "number"), LENGTHS.cases("outages", (flush_broker, kill_broker, kill_database))
)
def test_a_run_survives_what_it_depends_on(
    application: Application,
    endpoint: Endpoint,
    prepared: tuple[Client, str, dict],
    seed: int,
    figures: Figures,
    doors: Doors,
    call: Callable[[], int],
    fault: Callable[[Application], None],
    number: int,
) -> None:
    client, evaluation_id, body = prepared
    application.wait_until_ready()
    endpoint.reset()
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    share = moment(seed, fault.__name__, number)
    wait_for(application, run_id, lambda done, status: done >= CASE.rows * share)

    with ExitStack() as during:
        visitor = during.enter_context(Watch(lambda: application.get("/health/ready", timeout_s=10)[0]))
        asking = (doors.page, doors.read, doors.log, call)
        watches = [during.enter_context(Watch(ask)) for ask in asking]
        at = time.monotonic()
        fault(application)
        # Workers and pages lose their connections together: what was in flight may be asked again once.
        finishes_exactly_once(application, endpoint, run_id, CASE, kills=1)

    away = [when - at for watch in (visitor, *watches) for when, status, _ in watch.answers if status != 200]
    figures(
        f"R7 {fault.__name__} at {share:.0%} of a run",
        away_until_s=max(away, default=0.0),
        answers={watch.asks: dict(watch.statuses()) for watch in watches},
    )

    assert set(visitor.statuses()) <= {200, 503}, "away is said, never a 500 or a hang"
    expected = {200, 503} if fault is kill_database else {200}
    for watch in watches:
        assert set(watch.statuses()) <= expected, watch.asks
    assert max(away, default=0.0) <= BACK_S, "everything is normal again"
    assert doors.page() == 200, "whoever was signed in still is"
    with psycopg.connect(dsn(application)) as connection:
        written = [*doors.logged, *doors.called]
        there = connection.execute("select count(*) from log where id = any(%s)", [written]).fetchone()
    assert there == (len(written),), "what was answered is there"
