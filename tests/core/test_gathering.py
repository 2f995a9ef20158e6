"""Requests of the same moment share their work, and neither an answer nor an error goes to the wrong one."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.core import waiting
from app.core.errors import Unavailable
from app.core.gathering import Gatherer
from tests.asynchronous import run


class Batches:
    """Work that doubles numbers, and remembers what it was given at once."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.at_work = self.most_at_work = 0

    def __call__(self, asked: Sequence[int]) -> list[int | Exception]:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.open.wait(5)
        self.seen.append(list(asked))
        self.at_work -= 1
        if 13 in asked:
            raise ConnectionError("all of them")
        return [ValueError(f"no {one}") if one < 0 else one * 2 for one in asked]


async def _while_one_is_at_work(
    gatherer: Gatherer[int, int], work: Batches, asked: Sequence[int]
) -> list[int | BaseException]:
    work.open.clear()
    first = asyncio.ensure_future(gatherer.ask(0))
    await asyncio.sleep(0.05)
    rest = [asyncio.ensure_future(gatherer.ask(one)) for one in asked]
    await asyncio.sleep(0.05)
    work.open.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


def test_one_alone_waits_for_nobody_and_what_comes_meanwhile_is_done_together() -> None:
    work = Batches()
    gatherer = Gatherer(work, most=3, beside=1)
    assert run(_while_one_is_at_work(gatherer, work, [1, 2, 3, 4])) == [2, 4, 6, 8]
    assert work.seen == [[0], [1, 2, 3], [4]]


def test_an_error_is_raised_to_the_one_it_concerns() -> None:
    work = Batches()
    answers = run(_while_one_is_at_work(Gatherer(work, most=9, beside=1), work, [1, -5, 3]))
    assert [answers[0], answers[2]] == [2, 6]
    assert isinstance(answers[1], ValueError)
    assert str(answers[1]) == "no -5"


def test_what_the_work_raises_is_raised_to_all_of_its_batch_and_to_no_other() -> None:
    work = Batches()
    answers = run(_while_one_is_at_work(Gatherer(work, most=2, beside=1), work, [1, 13, 3]))
    assert [type(one) for one in answers] == [ConnectionError, ConnectionError, int]


def test_somebody_who_goes_away_takes_nobody_along() -> None:
    work = Batches()
    gatherer: Gatherer[int, int] = Gatherer(work, most=9, beside=1)

    async def scene() -> int:
        work.open.clear()
        first = asyncio.ensure_future(gatherer.ask(1))
        await asyncio.sleep(0.05)
        gone, stays = asyncio.ensure_future(gatherer.ask(2)), asyncio.ensure_future(gatherer.ask(3))
        await asyncio.sleep(0)
        gone.cancel()
        first.cancel()
        work.open.set()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert run(scene()) == 6


def test_who_would_wait_too_long_is_turned_away_at_once() -> None:
    work = Batches()
    gatherer = Gatherer(work, most=1, beside=1, longest=2)
    answers = run(_while_one_is_at_work(gatherer, work, [1, 2, 3, 4]))
    assert answers[:2] == [2, 4]
    assert [type(one) for one in answers[2:]] == [Unavailable, Unavailable]


def test_who_waits_in_vain_is_told_in_time_and_is_not_begun_with() -> None:
    work = Batches()
    gatherer = Gatherer(work, most=9, beside=1, patience_s=waiting.LEAST_S + 0.02)
    first, late = run(_first_and_late(gatherer, work))
    assert first == 0
    assert isinstance(late, PoolExhausted)
    assert work.seen == [[0]]


async def _first_and_late(gatherer: Gatherer[int, int], work: Batches) -> list[int | BaseException]:
    work.open.clear()
    first = asyncio.ensure_future(gatherer.ask(0))
    await asyncio.sleep(0.05)
    late = asyncio.ensure_future(gatherer.ask(1))
    await asyncio.wait([late], timeout=3)
    assert late.done()
    work.open.set()
    return await asyncio.gather(first, late, return_exceptions=True)


def test_no_more_work_goes_on_at_once_than_may() -> None:
    work = Batches()
    gatherer: Gatherer[int, int] = Gatherer(work, most=1, beside=2, slow_s=0.0)

    async def scene() -> list[int]:
        return await asyncio.gather(*(gatherer.ask(n) for n in range(100, 150)))

    assert run(scene()) == [n * 2 for n in range(100, 150)]
    assert work.most_at_work <= 2
    assert run(scene())[-1] == 298, "in another event loop, too"


def test_slow_work_has_other_work_beside_it_and_quick_work_has_none() -> None:
    work = Batches()
    gatherer: Gatherer[int, int] = Gatherer(work, most=9, beside=2, slow_s=0.1)

    async def quick() -> None:
        for _ in range(20):
            await asyncio.gather(*(gatherer.ask(n) for n in range(100, 105)))

    run(quick())
    assert work.most_at_work == 1

    async def slow() -> list[int]:
        work.open.clear()
        first = asyncio.ensure_future(gatherer.ask(1))
        await asyncio.sleep(0.01)
        rest = [asyncio.ensure_future(gatherer.ask(n)) for n in (2, 3)]
        await asyncio.sleep(1)
        beside = work.at_work
        work.open.set()
        assert beside == 2
        return await asyncio.gather(first, *rest)

    assert run(slow()) == [2, 4, 6]
    assert sorted(work.seen[-2:]) == [[1], [2, 3]]


def test_who_was_answered_together_is_waited_for_to_come_back_together() -> None:
    work = Batches()
    gatherer: Gatherer[int, int] = Gatherer(work, most=9, beside=1)

    async def scene() -> None:
        await _while_one_is_at_work(gatherer, work, [1, 2, 3])
        first = asyncio.ensure_future(gatherer.ask(4))
        await asyncio.sleep(0)
        await asyncio.gather(first, *(gatherer.ask(n) for n in (5, 6)))

    run(scene())
    assert work.seen == [[0], [1, 2, 3], [4, 5, 6]]


def test_who_does_not_come_back_is_waited_for_a_moment_only() -> None:
    work = Batches()
    gatherer: Gatherer[int, int] = Gatherer(work, most=9, beside=1)

    async def scene() -> float:
        await _while_one_is_at_work(gatherer, work, [1, 2, 3])
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await gatherer.ask(4) == 8
        return loop.time() - began

    assert run(scene()) < 1
    assert work.seen == [[0], [1, 2, 3], [4]]
