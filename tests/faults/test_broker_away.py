"""Valkey does not answer, refuses, or takes nothing more: everything but liveliness goes on, and runs catch up."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from redis import Redis

from app.embedded.external import psycopg_url
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint, running_endpoint
from tests.exactly_once import LATENCY_S, finishes_exactly_once, wait_for
from tests.faults.conftest import Faulty, Figures, Watch
from tests.faults.lengths import LENGTHS, moment

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("broker_away"),
    pytest.mark.timeout(300 + LENGTHS.outage_s),
]
CASE = Case("broker", rows=1_500, concurrency=50)
LATER = Case("later", rows=500, concurrency=50)
CATCHES_UP_S = 120
ANSWERS_S = 10
BLACK_HOLE, REFUSED, FULL = "black hole", "refused", "out of memory"


@pytest.fixture(scope="module")
def later_endpoint() -> Iterator[Endpoint]:
    with running_endpoint(LATENCY_S * 1000) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def prepared(faulty: Faulty, endpoint: Endpoint, later_endpoint: Endpoint) -> list[tuple[str, dict]]:
    """Two evaluations, each of which asks an endpoint of its own."""
    client = faulty.doors.client
    return [prepare(client, endpoint, CASE), prepare(client, later_endpoint, LATER)]


@pytest.fixture(scope="module")
def call(faulty: Faulty, answering: Endpoint) -> Callable[[], int]:
    return faulty.doors.caller(answering.base_url)


@contextmanager
def broken(faulty: Faulty, kind: str) -> Iterator[None]:
    if kind != FULL:
        with faulty.broker.failing(black_hole=kind == BLACK_HOLE, refuse=kind == REFUSED):
            yield
        return
    with Redis.from_url(faulty.redis_url) as broker:
        broker.config_set("maxmemory", 1)
        try:
            yield
        finally:
            broker.config_set("maxmemory", 0)


@pytest.mark.parametrize(("kind", "number"), LENGTHS.cases("broker_away", (BLACK_HOLE, REFUSED, FULL)))
def test_without_its_broker_everything_answers_and_runs_finish(
    faulty: Faulty,
    endpoint: Endpoint,
    later_endpoint: Endpoint,
    prepared: list[tuple[str, dict]],
    seed: int,
    figures: Figures,
    call: Callable[[], int],
    kind: str,
    number: int,
) -> None:
    application, doors = faulty.application, faulty.doors
    application.wait_until_ready()
    (evaluation_id, body), (later_id, later_body) = prepared
    endpoint.reset()
    later_endpoint.reset()
    run_id = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    share = moment(seed, kind, number)
    wait_for(application, run_id, lambda done, _: done >= CASE.rows * share)

    with ExitStack() as during:
        followed = during.enter_context(doors.open(f"/evaluations/{evaluation_id}/events"))
        every = (doors.page, doors.read, doors.write, doors.log, doors.log_batch, doors.span, call)
        watches = [during.enter_context(Watch(ask)) for ask in every]
        with broken(faulty, kind):
            time.sleep(LENGTHS.outage_s / 2)
            status, state = application.get("/health/ready", timeout_s=ANSWERS_S)
            started = time.monotonic()
            later = doors.client.call("POST", f"/evaluations/{later_id}/runs", later_body)["id"]
            start_s = time.monotonic() - started
            time.sleep(LENGTHS.outage_s / 2)
        back = time.monotonic()
        finishes_exactly_once(application, endpoint, run_id, CASE, kills=1)
        finishes_exactly_once(application, later_endpoint, later, LATER, kills=1)
        caught_up_s = time.monotonic() - back
        application.wait_until_ready(CATCHES_UP_S)
        ready_s = time.monotonic() - back
        events = followed.read()
    slowest = max(watch.slowest_s() for watch in watches)
    figures(
        f"R8 {kind}, at {share:.0%} of a run, for {LENGTHS.outage_s:g} s",
        answers=sum(len(watch.answers) for watch in watches),
        slowest_s=slowest,
        start_s=start_s,
        caught_up_s=caught_up_s,
        ready_s=ready_s,
    )

    assert status == 503
    assert json.loads(state)["broker"].startswith("takes no writes" if kind == FULL else "away")
    assert [set(watch.statuses()) for watch in watches] == [{200}] * len(every)
    with psycopg.connect(psycopg_url(faulty.database_url)) as connection:
        query = "select count(*) from log where id = any(%s)"
        written = [*doors.logged, *doors.called]
        assert connection.execute(query, [written]).fetchone() == (len(written),)
    assert slowest < ANSWERS_S
    assert start_s < ANSWERS_S
    assert caught_up_s < CATCHES_UP_S
    assert b"event: done" in events, "who follows the run hears of its end"
