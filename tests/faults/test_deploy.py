"""A new version is put in: processes are asked to end with a hundred calls in flight, and nobody notices."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint, running_endpoint
from tests.exactly_once import dsn, wait_for
from tests.faults.conftest import Figures, Watch
from tests.faults.doors import Doors
from tests.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("deploy"), pytest.mark.timeout(240)]
LATENCY_S = 3.0
IN_FLIGHT = 100
CASE = Case("deploy", rows=400, concurrency=IN_FLIGHT)
REQUESTS = 100
MORE_THAN_THREADS = 100
"""Of a web process, or connections of it to the database: a call that waits for a model holds neither."""
ENDS_S = 30


@pytest.fixture(scope="module")
def slow_endpoint() -> Iterator[Endpoint]:
    with running_endpoint(LATENCY_S * 1000) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def application(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    urls = stack.create_database(), stack.redis_database()
    with start_application(tmp_path_factory.mktemp("deploy"), *urls) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def doors(application: Application) -> Doors:
    return Doors(application)


@pytest.fixture(scope="module")
def prepared(doors: Doors, slow_endpoint: Endpoint) -> tuple[str, dict]:
    return prepare(doors.client, slow_endpoint, CASE)


def _wait_for_calls(endpoint: Endpoint, count: int) -> None:
    deadline = time.monotonic() + 30
    while sum(endpoint.calls().values()) < count:
        assert time.monotonic() < deadline, f"{sum(endpoint.calls().values())} calls"
        time.sleep(0.02)


def _wait_until_idle(doors: Doors, evaluation_id: str) -> None:
    """Until no run of another test calls the endpoint any more."""
    deadline = time.monotonic() + 60
    while any(
        run["status"] in ("pending", "running")
        for run in doors.client.call("GET", f"/evaluations/{evaluation_id}/runs")["runs"]
    ):
        assert time.monotonic() < deadline, "a run goes on"
        time.sleep(0.2)


def _ask_to_end(pid: int) -> float:
    """The seconds that a process takes to end after SIGTERM."""
    process, started = psutil.Process(pid), time.monotonic()
    os.kill(pid, signal.SIGTERM)
    process.wait(60)
    return time.monotonic() - started


def test_a_worker_that_is_to_end_finishes_what_is_in_flight(
    application: Application,
    slow_endpoint: Endpoint,
    doors: Doors,
    prepared: tuple[str, dict],
    figures: Figures,
) -> None:
    evaluation_id, body = prepared
    _wait_until_idle(doors, prepared[0])
    slow_endpoint.reset()
    run_id = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    _wait_for_calls(slow_endpoint, IN_FLIGHT)

    worker = application.children()["worker"]
    ended_s = _ask_to_end(worker)
    with psycopg.connect(dsn(application)) as connection:
        held, done = connection.execute(
            """
            select (select count(*) from shard where run_id = r.id and state = 'running'), done_count
            from run r where id = %s
            """,
            [run_id],
        ).fetchone()
    asked = sum(slow_endpoint.calls().values())
    application.wait_until_restarted("worker", worker)
    wait_for(application, run_id, lambda _, status: status == "completed")
    calls = slow_endpoint.calls()
    repeated = sum(calls.values()) - len(calls)
    figures(
        "R19 SIGTERM of the worker", in_flight=IN_FLIGHT, ended_s=ended_s, written=done, repeated=repeated
    )

    assert ended_s < ENDS_S
    assert held == 0, "what was not begun is there for others at once"
    assert asked < IN_FLIGHT * 1.5, "nothing more was begun"
    assert done == asked >= IN_FLIGHT, "what was asked for is written"
    assert (len(calls), repeated) == (CASE.rows, 0)


def test_a_web_process_that_is_to_end_answers_what_it_has_accepted(
    application: Application,
    slow_endpoint: Endpoint,
    doors: Doors,
    prepared: tuple[str, dict],
    figures: Figures,
) -> None:
    client = doors.client
    settings = {"model": "test", "provider": CASE.name, "rubric": "Is {{log.output}} right?"}
    judge = client.call(
        "POST", "/evaluators", {"path": "deploy/judge", "spec": {"kind": "llm_judge", "settings": settings}}
    )
    _wait_until_idle(doors, prepared[0])
    slow_endpoint.reset()
    web = application.children()["web-1"]

    def ask(number: int) -> dict:
        return client.call("POST", f"/evaluators/{judge['id']}/test", {"log": {"output": f"answer {number}"}})

    with Watch(doors.page, every_s=0.05) as watch, ThreadPoolExecutor(REQUESTS) as pool:
        answers = [pool.submit(ask, number) for number in range(REQUESTS)]
        _wait_for_calls(slow_endpoint, REQUESTS)
        ended_s = _ask_to_end(web)
        judgments = [answer.result()["judgment"] for answer in answers]
        application.wait_until_restarted("web-1", web)
        time.sleep(2)
    figures(
        "R19 SIGTERM of the web process",
        in_flight=REQUESTS,
        ended_s=ended_s,
        pages=len(watch.answers),
        slowest_page_s=watch.slowest_s(),
    )

    assert judgments == [True] * REQUESTS
    assert ended_s < ENDS_S
    assert set(watch.statuses()) == {200}


def test_more_calls_than_threads_wait_at_once_and_pages_are_answered(
    slow_endpoint: Endpoint, doors: Doors, prepared: tuple[str, dict], figures: Figures
) -> None:
    settings = {"model": "test", "provider": CASE.name, "rubric": "Is {{log.output}} right?"}
    spec = {"kind": "llm_judge", "settings": settings}
    judge = doors.client.call("POST", "/evaluators", {"path": "deploy/busy judge", "spec": spec})

    def ask(number: int) -> dict:
        log = {"log": {"output": f"answer {number}"}}
        return doors.client.call("POST", f"/evaluators/{judge['id']}/test", log)

    started = time.monotonic()
    with Watch(doors.page, every_s=0.5) as watch, ThreadPoolExecutor(MORE_THAN_THREADS) as pool:
        judgments = [answer["judgment"] for answer in pool.map(ask, range(MORE_THAN_THREADS))]
    figures(
        f"{MORE_THAN_THREADS} calls of {LATENCY_S:.0f} s at once, one web process",
        took_s=time.monotonic() - started, slowest_page_s=watch.slowest_s(),
    )  # fmt: skip

    assert judgments == [True] * MORE_THAN_THREADS
    assert set(watch.statuses()) == {200}


def test_a_page_that_is_followed_does_not_hold_a_web_process_up(
    application: Application, slow_endpoint: Endpoint, doors: Doors, prepared: tuple[str, dict]
) -> None:
    evaluation_id, body = prepared
    doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)
    web = application.children()["web-1"]
    with doors.open(f"/evaluations/{evaluation_id}/events") as stream:
        assert stream.readline().startswith(b"event:")
        ended_s = _ask_to_end(web)
        assert stream.read() is not None, "the stream came to its end, and was not broken off"
    application.wait_until_restarted("web-1", web)
    assert ended_s < 5
