"""Spending under a cap, counted for two processes at once over a real Valkey."""

import asyncio
import uuid
from decimal import Decimal

from redis.asyncio import Redis

from app.core.broker import Outage
from app.providers.meter import Cap, Meter, Spent
from tests.asynchronous import run as run_coroutine

CENT = Decimal("0.01")


async def _call(meter: Meter, calls: list[str | None]) -> None:
    refusal = await meter.admit()
    calls.append(refusal)
    if refusal is None:
        await asyncio.sleep(0.005)
        await meter.spent(CENT)


def _spend(url: str, cap: Cap, callers: int, *, empty_after: int | None = None) -> list[str | None]:
    """What 200 calls by two processes' meters, `callers` at once, are told."""

    key = str(uuid.uuid4())

    async def run() -> list[str | None]:
        async with Redis.from_url(url) as redis:
            meters = [Meter(redis, key, cap, Spent()) for _ in range(2)]
            told: list[str | None] = []
            gate = asyncio.Semaphore(callers)

            async def one(n: int) -> None:
                async with gate:
                    if n == empty_after:
                        await redis.flushdb()
                    await _call(meters[n % 2], told)

            await asyncio.gather(*(one(n) for n in range(200)))
            return told

    return run_coroutine(run())


def test_a_cap_of_calls_is_kept_to_the_call(redis_url: str) -> None:
    told = _spend(redis_url, Cap(calls=70), 50)

    assert told.count(None) == 70
    assert set(told) == {None, "cap of 70 calls reached"}


def test_a_cap_in_dollars_is_passed_by_what_is_in_flight_at_most(redis_url: str) -> None:
    told = _spend(redis_url, Cap(usd=Decimal(1)), 50)

    assert 100 <= told.count(None) <= 100 + 50
    assert told[-1] == "cap of $1.00 reached"


def test_what_the_database_knows_counts(redis_url: str) -> None:
    async def run() -> list[str | None]:
        async with Redis.from_url(redis_url) as redis:
            meter = Meter(redis, "resumed", Cap(usd=Decimal(1)), Spent(Decimal("0.99"), 99))
            told: list[str | None] = []
            for _ in range(3):
                await _call(meter, told)
            return told

    assert run_coroutine(run()) == [None, "cap of $1.00 reached", "cap of $1.00 reached"]


def test_what_was_spent_while_there_was_no_cap_is_gone_on_from(redis_url: str) -> None:
    async def run() -> list[str | None]:
        async with Redis.from_url(redis_url) as redis:
            key, cap = str(uuid.uuid4()), Cap(usd=Decimal(1))
            told: list[str | None] = []
            await _call(Meter(redis, key, cap, Spent()), told)
            capped_again = Meter(redis, key, cap, Spent(Decimal("0.98"), 98))
            for _ in range(3):
                await _call(capped_again, told)
            return told

    assert run_coroutine(run()) == [None, None, None, "cap of $1.00 reached"]


def test_what_the_database_learns_meanwhile_counts_too(redis_url: str) -> None:
    """As from workers that lost the way to the broker, and count for themselves."""

    async def run() -> list[str | None]:
        async with Redis.from_url(redis_url) as redis:
            meter = Meter(redis, str(uuid.uuid4()), Cap(usd=Decimal(1)), Spent())
            before = await meter.admit()
            meter.learn(Spent(Decimal(1), 100))
            return [before, await meter.admit()]

    assert run_coroutine(run()) == [None, "cap of $1.00 reached"]


def test_without_the_broker_each_process_keeps_the_cap_by_itself() -> None:
    told = _spend("redis://127.0.0.1:9/0", Cap(calls=30), 1)

    assert told.count(None) == 60, "two processes that cannot see each other"


def test_without_the_broker_what_the_database_knows_counts() -> None:
    async def run() -> list[str | None]:
        async with Redis.from_url("redis://127.0.0.1:9/0") as redis:
            meter = Meter(redis, "away", Cap(usd=Decimal(10), calls=100), Spent(Decimal("9.97"), 90))
            told: list[str | None] = []
            for _ in range(5):
                await _call(meter, told)
            return told

    assert run_coroutine(run()).count(None) == 3


def test_what_was_spent_while_the_broker_was_away_is_counted_once(redis_url: str) -> None:
    """The database tells of it, to both."""

    async def run() -> tuple[int, Decimal]:
        key, away = str(uuid.uuid4()), Outage()
        async with Redis.from_url(redis_url) as redis:
            cap = Cap(calls=100, usd=Decimal(5))
            one, other = Meter(redis, key, cap, Spent(), away), Meter(redis, key, cap, Spent())
            told: list[str | None] = []
            for _ in range(60):
                await _call(other, told)
            away.noticed(TimeoutError("it does not answer"))
            for _ in range(30):
                await _call(one, told)
            await asyncio.sleep(5.1)  # what was noticed lasts no longer
            assert not away.lasts
            for meter in (one, other):
                meter.learn(Spent(Decimal("0.90"), 90))
            for n in range(30):
                await _call((one, other)[n % 2], told)
            kept = await redis.hget(f"whetstone:spent:{key}", "usd")
            return told.count(None), Decimal(kept.decode())

    assert run_coroutine(run()) == (100, Decimal(1))


def test_an_emptied_broker_forgets_what_another_process_spent_at_most(redis_url: str) -> None:
    told = _spend(redis_url, Cap(calls=70), 5, empty_after=60)

    of_the_other, in_flight = 32, 5
    assert 70 <= told.count(None) <= 70 + of_the_other + in_flight


def test_an_emptied_broker_makes_one_process_forget_nothing(redis_url: str) -> None:
    async def run() -> list[str | None]:
        async with Redis.from_url(redis_url) as redis:
            meter = Meter(redis, str(uuid.uuid4()), Cap(calls=7, usd=Decimal(1)), Spent())
            told: list[str | None] = []
            for n in range(9):
                if n == 5:
                    await redis.flushdb()
                await _call(meter, told)
            return told

    assert run_coroutine(run()).count(None) == 7
