"""Postgres stops or is killed under load: who asks is told, nothing that was acknowledged is lost, and it heals."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, finishes_exactly_once, wait_for
from tests.faults.conftest import Figures, Watch
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS, moment

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("database_restarts"), pytest.mark.timeout(240)]
CASE = Case("restart", rows=1_500, concurrency=50)
NORMAL_S = 10
WRITERS = 3


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """With a durable Postgres of its own, which may be killed."""
    with start_application(tmp_path_factory.mktemp("restart")) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def doors(application: Application) -> Doors:
    return Doors(application)


@pytest.fixture(scope="module")
def prepared(doors: Doors, endpoint: Endpoint) -> tuple[str, dict]:
    return prepare(doors.client, endpoint, CASE)


def restart(postmaster: int) -> None:
    """As an administrator does: "fast", which breaks off every transaction."""
    os.kill(postmaster, signal.SIGINT)


@pytest.fixture(scope="module")
def call(doors: Doors, answering: Endpoint) -> Callable[[], int]:
    return doors.caller(answering.base_url)


def kill(postmaster: int) -> None:
    """As the kernel does when memory is short. Its processes are left to find out."""
    os.kill(postmaster, signal.SIGKILL)


def _wait_for_database(application: Application) -> float:
    """When it takes connections again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(dsn(application), connect_timeout=2) as connection:
                connection.execute("select 1")
                return time.monotonic()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "Postgres did not come back"
            time.sleep(0.02)


@pytest.mark.parametrize(("end", "number"), LENGTHS.cases("database_restarts", (kill, restart)))
def test_nothing_acknowledged_is_lost(
    application: Application,
    doors: Doors,
    endpoint: Endpoint,
    prepared: tuple[str, dict],
    seed: int,
    figures: Figures,
    call: Callable[[], int],
    end: Callable[[int], None],
    number: int,
) -> None:
    application.wait_until_ready()
    evaluation_id, body = prepared
    endpoint.reset()
    run_id = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    share = moment(seed, end.__name__, number)
    written = len(doors.acknowledged)

    with ExitStack() as during:
        readers = [during.enter_context(Watch(ask, every_s=0.05)) for ask in (doors.page, doors.read)]
        writers = [during.enter_context(Watch(doors.write, every_s=0.01)) for _ in range(WRITERS)]
        writers += [
            during.enter_context(Watch(ask, every_s=0.01))
            for ask in (doors.log, doors.log_batch, doors.span, call)
        ]
        wait_for(
            application,
            run_id,
            lambda done, _: done >= CASE.rows * share and len(doors.acknowledged) > written + WRITERS,
        )
        postmaster = application.children()["postgres"]
        died = time.monotonic()
        end(postmaster)
        application.wait_until_restarted("postgres", postmaster)
        back = _wait_for_database(application)
        finishes_exactly_once(application, endpoint, run_id, CASE, kills=1)
        time.sleep(max(0.0, back + NORMAL_S + 1 - time.monotonic()))
    watches = [*readers, *writers]
    refused = [when for watch in watches for when, status, _ in watch.answers if status != 200]
    normal_s = max([when - back for when in refused if when > died], default=0.0)
    with psycopg.connect(dsn(application)) as connection:
        there = connection.execute(
            "select count(*) from version where id = any(%s)", [doors.acknowledged]
        ).fetchone()[0]
        answered = [*doors.logged, *doors.called]
        logged = connection.execute("select count(*) from log where id = any(%s)", [answered]).fetchone()[0]
    figures(
        f"R9 {end.__name__} of the postmaster, at {share:.0%} of a run",
        down_s=back - died,
        normal_after_s=max(0.0, normal_s),
        refused=len(refused),
        acknowledged=len(doors.acknowledged) + len(answered),
        slowest_s=max(watch.slowest_s() for watch in watches),
    )

    assert set().union(*(watch.statuses() for watch in watches)) <= {200, 503}
    assert normal_s < NORMAL_S
    assert there == len(doors.acknowledged) == len(set(doors.acknowledged))
    assert logged == len(answered) == len(set(answered))
