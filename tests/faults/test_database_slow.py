"""Postgres is far away, mute, or has no connection left: nobody waits for long, no worker dies, and it heals."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app.core import waiting
from app.embedded.external import psycopg_url
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import finishes_exactly_once, wait_for
from tests.fault_proxy import running_proxy
from tests.faults.conftest import Faulty, Figures, Watch
from tests.faults.lengths import LENGTHS, moment
from tests.stack import Stack

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("database_slow"),
    pytest.mark.timeout(300 + LENGTHS.outage_s),
]
CASE = Case("slow", rows=1_500, concurrency=50)
ANSWERS_S = 10
CALLS_S = ANSWERS_S + waiting.WORK_S + 5
"""Before the model is asked, to write down what it said, and the model itself."""
NORMAL_S = 20
OLDEST_LOCK_S = 60
SLOW, MUTE, USED_UP = "2 s away", "black hole", "no connection left"


@pytest.fixture(scope="module")
def prepared(faulty: Faulty, endpoint: Endpoint) -> tuple[str, dict]:
    return prepare(faulty.doors.client, endpoint, CASE)


@pytest.fixture(scope="module")
def call(faulty: Faulty, answering: Endpoint) -> Callable[[], int]:
    return faulty.doors.caller(answering.base_url)


@contextmanager
def bad(faulty: Faulty, kind: str) -> Iterator[None]:
    if kind == SLOW:
        with faulty.database.failing(latency_s=2.0):
            yield
    elif kind == MUTE:
        with faulty.database.failing(black_hole=True):
            yield
    else:
        with ExitStack() as held:
            faulty.database.cut()
            with suppress(psycopg.OperationalError):  # until there are none
                while True:
                    held.enter_context(psycopg.connect(psycopg_url(faulty.database_url)))
            yield


class OldestLock:
    """Looks, past the proxy, how long transactions of the application go on that hold locks."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(psycopg_url(url), autocommit=True)
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seconds = 0.0

    def _look(self) -> None:
        query = """
            select coalesce(max(extract(epoch from now() - a.xact_start)), 0) from pg_stat_activity a
            where a.application_name = 'whetstone' and exists (select from pg_locks l where l.pid = a.pid and l.granted)
        """
        while not self._gone.wait(0.5):
            self.seconds = max(self.seconds, float(self._connection.execute(query).fetchone()[0]))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()
        self._connection.close()


@pytest.mark.parametrize(("kind", "number"), LENGTHS.cases("database_slow", (SLOW, MUTE, USED_UP)))
def test_a_bad_way_to_the_database_hangs_nobody(
    faulty: Faulty,
    endpoint: Endpoint,
    prepared: tuple[str, dict],
    seed: int,
    figures: Figures,
    call: Callable[[], int],
    kind: str,
    number: int,
) -> None:
    application, doors = faulty.application, faulty.doors
    application.wait_until_ready()
    evaluation_id, body = prepared
    endpoint.reset()
    processes = (application.children(), set(application.pool_children()))
    run_id = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
    share = moment(seed, kind, number)
    wait_for(application, run_id, lambda done, _: done >= CASE.rows * share)

    with ExitStack() as during:
        lock = during.enter_context(OldestLock(faulty.database_url))
        followed = during.enter_context(doors.open(f"/evaluations/{evaluation_id}/events"))
        watches = [
            during.enter_context(Watch(ask, every_s=0.1))
            for ask in (doors.page, doors.read, doors.write, doors.log)
            for _ in range(8)  # more than a process keeps connections
        ]
        callers = [during.enter_context(Watch(call, every_s=0.1)) for _ in range(4)]
        with bad(faulty, kind):
            time.sleep(LENGTHS.outage_s)
        back = time.monotonic()
        finishes_exactly_once(application, endpoint, run_id, CASE, kills=3)
        events = followed.read()
        time.sleep(max(0.0, back + NORMAL_S + 2 - time.monotonic()))
    with psycopg.connect(psycopg_url(faulty.database_url)) as connection:
        query = "select max(losses) from run_item where run_id = %s"
        losses = connection.execute(query, [run_id]).fetchone()[0]
    statuses = set().union(*(watch.statuses() for watch in [*watches, *callers]))
    late = [when - back for watch in watches for when, status, _ in watch.answers if status != 200]
    slowest, door = max((watch.slowest_s(), watch.asks) for watch in watches)
    figures(
        f"R10 {kind}, at {share:.0%} of a run, for {LENGTHS.outage_s:g} s",
        answers=sum(len(watch.answers) for watch in watches),
        slowest_s=slowest,
        slowest_call_s=max(watch.slowest_s() for watch in callers),
        normal_after_s=max([0.0, *late]),
        oldest_lock_s=lock.seconds,
        losses=losses,
    )

    assert statuses <= {200, 503}
    assert slowest < ANSWERS_S, door
    assert max(watch.slowest_s() for watch in callers) < CALLS_S, "what is paid is written"
    assert max([0.0, *late]) < NORMAL_S
    assert lock.seconds < OLDEST_LOCK_S
    assert kind == USED_UP or losses == 0, "no worker is taken for dead"
    assert b"event: done" in events, "who follows the run hears of its end"
    assert (application.children(), set(application.pool_children())) == processes, "nobody died of it"


def test_what_somebody_held_who_is_not_heard_of_any_more_is_free_within_a_minute(stack: Stack) -> None:
    """As when a machine loses its power in the middle of transactions: no end of the connections ever arrives. One
    of them waits for what another holds, and is not heard of any more either once it has it."""
    url = stack.create_database()
    with running_proxy(url) as proxy, psycopg.connect(psycopg_url(url), autocommit=True) as other:
        engine = create_engine(proxy.url(url), poolclass=waiting.BoundedPool)
        waiting.bound(engine)

        def wait_for_the_first() -> None:
            with (
                suppress(OperationalError),
                waiting.at_most(waiting.WORK_S),
                engine.connect() as second,
            ):
                second.execute(text("select pg_advisory_xact_lock(2)"))
                holds.set()
                second.execute(text("select pg_advisory_xact_lock(1)"))

        holds = threading.Event()
        waits = threading.Thread(target=wait_for_the_first)
        with waiting.at_most(waiting.WORK_S), engine.connect() as lost:
            lost.execute(text("select pg_advisory_xact_lock(1)"))
            waits.start()
            assert holds.wait(5)
            time.sleep(1)  # it waits for the other lock now
            with proxy.failing(black_hole=True):
                held = time.monotonic()
                other.execute(f"set lock_timeout = '{OLDEST_LOCK_S}s'")
                tried = other.execute("select pg_try_advisory_lock(1), pg_try_advisory_lock(2)").fetchone()
                other.execute("select pg_advisory_lock(1), pg_advisory_lock(2)")
                free_s = time.monotonic() - held
            lost.invalidate()
        waits.join()
        engine.dispose()
    assert tried == (False, False)
    assert free_s < OLDEST_LOCK_S
