"""The broker or the database goes away in the middle of a run: pages answer or say so, and every row comes out once."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from redis import Redis

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import Endpoint, running_endpoint
from tests.exactly_once import LATENCY_S, finishes_exactly_once, wait_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
CASE = Case("outage", rows=1_500, concurrency=50)
BACK_S = 20
"""How long pages may say that the database is away, from its death on."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(LATENCY_S * 1000) as endpoint:
        yield endpoint


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


class Visitor:
    """Asks for a page that needs the database, ten times a second, and keeps what it was answered."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._visit)
        self.answers: list[tuple[float, int]] = []

    def _visit(self) -> None:
        while not self._gone.wait(0.1):
            try:
                status, _ = self._application.get("/health/ready", timeout_s=10)
            except OSError:
                status = 0
            self.answers.append((time.monotonic(), status))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()


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


@pytest.mark.parametrize("fault", [flush_broker, kill_broker, kill_database])
def test_a_run_survives_what_it_depends_on(
    application: Application,
    endpoint: Endpoint,
    prepared: tuple[Client, str, dict],
    fault: Callable[[Application], None],
) -> None:
    client, evaluation_id, body = prepared
    application.wait_until_ready()
    endpoint.reset()
    run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    wait_for(application, run_id, lambda done, status: done >= CASE.rows // 4)

    with Visitor(application) as visitor:
        at = time.monotonic()
        fault(application)
        # Workers and pages lose their connections together: what was in flight may be asked again once.
        finishes_exactly_once(application, endpoint, run_id, CASE, kills=1)

    assert {status for _, status in visitor.answers} <= {200, 503}, "away is said, never a 500 or a hang"
    late = [status for when, status in visitor.answers if when - at > BACK_S]
    assert set(late) <= {200}, "everything is normal again"
