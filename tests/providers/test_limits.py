"""One rate for all: two limiters with the same key, over a real Valkey."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from app.providers.limits import Limiter
from tests.asynchronous import run as run_coroutine


async def _take(limiters: list[Limiter], seconds: float) -> int:
    taken = 0
    deadline = time.monotonic() + seconds

    async def use(limiter: Limiter) -> None:
        nonlocal taken
        while time.monotonic() < deadline:
            await limiter.acquire()
            if time.monotonic() < deadline:
                taken += 1

    await asyncio.gather(*(use(limiter) for limiter in limiters for _ in range(4)))
    return taken


def test_two_processes_share_one_rate(redis_url: str) -> None:
    async def run() -> int:
        async with Redis.from_url(redis_url) as redis:
            limiters = [Limiter(redis, "shared", requests_per_minute=6_000) for _ in range(2)]
            return await _take(limiters, 2)

    assert run_coroutine(run()) <= 100 * 2 * 1.2 + 20


def test_a_429_slows_everybody_down(redis_url: str) -> None:
    async def run() -> tuple[int, int]:
        async with Redis.from_url(redis_url) as redis:
            first, second = (Limiter(redis, "cut", requests_per_minute=12_000) for _ in range(2))
            before = await _take([first], 1)
            for _ in range(3):
                await second.slow_down()
                await asyncio.sleep(1.05)
            return before, await _take([first], 1)

    before, after = run_coroutine(run())
    assert after < before * 0.8


def test_without_a_broker_it_goes_on_at_half_the_rate() -> None:
    async def run() -> int:
        async with Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.2) as redis:
            return await _take([Limiter(redis, "away", requests_per_minute=6_000)], 1)

    assert 1 <= run_coroutine(run()) <= 70


@pytest.mark.parametrize("tokens", [0, 1_000])
def test_tokens_a_minute_hold_back_large_prompts(redis_url: str, tokens: int) -> None:
    async def run() -> float:
        async with Redis.from_url(redis_url) as redis:
            limiter = Limiter(redis, f"tokens {tokens}", tokens_per_minute=60_000)
            started = time.monotonic()
            for _ in range(12):
                await limiter.acquire(tokens)
            return time.monotonic() - started

    took = run_coroutine(run())
    assert took < 1 if tokens == 0 else 1.5 <= took < 6


def test_a_limit_that_is_set_after_a_429_is_the_limit(redis_url: str) -> None:
    """The cut of a provider without a limit says nothing about a provider with one."""

    async def run() -> tuple[int, int]:
        async with Redis.from_url(redis_url) as redis:
            key = "set later"
            free = Limiter(redis, key)
            for _ in range(8):
                await free.acquire()
            await free.slow_down()
            limited = Limiter(redis, key, requests_per_minute=600)
            return await _take([limited], 2), await _take([Limiter(redis, key)], 2)

    limited, free = run_coroutine(run())
    assert 12 <= limited <= 24, "about ten a second, or the eight that were seen when it said 429"
    assert free >= 12, "taking the limit away again does not leave it frozen"


def test_however_often_it_says_429_it_is_asked_again_within_seconds(redis_url: str) -> None:
    async def run() -> float:
        async with Redis.from_url(redis_url) as redis:
            limiter = Limiter(redis, "often", requests_per_minute=60)
            await limiter.acquire()
            for _ in range(3):
                await limiter.slow_down()
                await asyncio.sleep(1.05)
            started = time.monotonic()
            await limiter.acquire()
            return time.monotonic() - started

    assert run_coroutine(run()) < 6
