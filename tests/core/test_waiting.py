"""The database is waited for as long as somebody may, whatever of it is slow: a connection, a look at it, a statement."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.core import waiting
from app.core.database import engine_to
from app.core.gathering import Gatherer
from tests.asynchronous import run
from tests.fault_proxy import FaultProxy, running_proxy

BUDGET_S = 2.0
ENOUGH_S = 60.0
"""More than any of it takes."""


@pytest.fixture
def proxy(database_url: str) -> Iterator[FaultProxy]:
    with running_proxy(database_url) as proxy:
        yield proxy


@pytest.fixture
def engine(proxy: FaultProxy, database_url: str) -> Iterator[Engine]:
    engine = engine_to(proxy.url(database_url), 1)
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    yield engine
    engine.dispose()


def _forget_that_it_lives(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
    assert driver
    driver.seen_alive_at = 0.0


def test_a_look_at_a_dead_connection_and_a_new_one_count_as_waited_for(
    engine: Engine, proxy: FaultProxy
) -> None:
    """Each of the two alone is waited for as long as 2.5 and 3 seconds."""
    _forget_that_it_lives(engine)
    with proxy.failing(black_hole=True):
        began = time.monotonic()
        with waiting.at_most(BUDGET_S), pytest.raises(OperationalError), engine.connect():
            raise AssertionError("there is no connection")
        took_s = time.monotonic() - began
    assert took_s < BUDGET_S + 2
    with engine.connect() as connection:
        assert connection.scalar(text("select 1")) == 1


def test_nobody_waits_for_a_used_up_pool_longer_than_they_may(engine: Engine) -> None:
    with engine.connect(), engine.connect():
        began = time.monotonic()
        with waiting.at_most(0.2), pytest.raises(PoolExhausted):
            engine.connect()
        took_s = time.monotonic() - began
    assert took_s < waiting.POOL_S / 2


def test_where_nothing_is_left_no_connection_is_made(engine: Engine) -> None:
    with engine.connect():
        with (
            waiting.at_most(waiting.LEAST_S / 2),
            pytest.raises(OperationalError, match="waited for too long"),
        ):
            engine.connect()
        with waiting.at_most(ENOUGH_S), engine.connect() as another:
            assert another.scalar(text("select 1")) == 1


def test_what_is_waited_for_in_several_transactions_adds_up(engine: Engine) -> None:
    """What is left is a third of a second, and who has a connection is given a whole one."""
    with waiting.at_most(1.3):
        with engine.connect() as connection:
            connection.execute(text("select pg_sleep(1)"))
        with engine.connect() as connection, pytest.raises(OperationalError):
            connection.execute(text("select pg_sleep(1.2)"))


def test_what_others_do_for_a_request_counts_as_its_own_waiting() -> None:
    def slow(asked: list[int]) -> list[int]:
        time.sleep(0.1)
        return asked

    async def scene() -> tuple[float, float]:
        gatherer: Gatherer[int, int] = Gatherer(slow, most=1, beside=1)
        with waiting.at_most(ENOUGH_S):
            await gatherer.ask(1)
            one = waiting.granted(2 * ENOUGH_S)
            await gatherer.ask(2)
            return one, waiting.granted(2 * ENOUGH_S)

    after_one, after_two = run(scene())
    assert after_two + 0.1 <= after_one <= ENOUGH_S - 0.1


def test_who_has_waited_is_given_less_by_what_is_done_for_many() -> None:
    given: list[float] = []

    def work(asked: list[int]) -> list[int]:
        given.append(waiting.granted(ENOUGH_S))
        return asked

    async def scene() -> None:
        gatherer: Gatherer[int, int] = Gatherer(work, most=1, beside=1, patience_s=ENOUGH_S)
        await gatherer.ask(1)
        with waiting.at_most(3):
            await asyncio.sleep(0)
            await gatherer.ask(2)

    run(scene())
    assert given[0] > 3 >= given[1]
