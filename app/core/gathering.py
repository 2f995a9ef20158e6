"""Work on the database that many requests want at once, done together: one trip for all that came during the last one.

A request that is alone waits for nobody. The busier a process, the more share each trip, so that its cost a request falls.
Those who were answered together come back together: the first of them waits for the others, a moment at most.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.core import waiting
from app.core.errors import Unavailable

_STILL_S = 0.001
"""Nobody else is waited for, once nobody has come for so long."""
_TRIES = 10
"""So often somebody else is waited for, at most."""
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class _Waiter(NamedTuple, Generic[Asked, Answer]):
    asked: Asked
    answer: "asyncio.Future[Answer]"
    until: float
    """When whoever asks has waited as long as they may, on the monotonic clock."""


class _Line(Generic[Asked, Answer]):
    """Who waits in one event loop, and how many batches are at work for it."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiter[Asked, Answer]] = deque()
        self.at_work = 0
        self.about = 1
        """How many were there when the last batch was answered, those who were still waiting included."""
        self.still: asyncio.TimerHandle | None = None
        """Looks whether somebody has come since, or the batch is to begin with those who are there."""
        self.begun_at = 0.0
        """When the latest batch began, on the loop's clock."""
        self.another: asyncio.TimerHandle | None = None
        """Looks whether that batch takes so long that another is due beside it."""
        self.tasks: set[asyncio.Task[None]] = set()


def _leave(line: _Line[Asked, Answer], waiter: _Waiter[Asked, Answer]) -> None:
    """Send away who waits in vain. What was begun goes on: its answer says whether it was done."""
    for place, each in enumerate(line.waiting):
        if each is waiter:
            del line.waiting[place]
            if not waiter.answer.done():
                waiter.answer.set_exception(PoolExhausted("Nothing was begun in time."))
            return


class Gatherer(Generic[Asked, Answer]):
    """Hands what is asked at the same moment to one call of `work`, in a thread of its own."""

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Sequence[Answer | Exception]],
        *,
        most: int,
        beside: int,
        slow_s: float = 0.05,
        longest: int = 2_000,
        patience_s: float = waiting.REQUEST_S,
    ) -> None:
        """`work` is given at most `most` at once, and answers each, in their order; an exception is raised to the one
        who asked, and one that `work` raises to all of them. One call runs at a time, for the more share it, the less each
        costs; once it has taken `slow_s`, another begins beside it, up to `beside` of them. At most `longest` wait.
        The database is waited for as long as `patience_s`, or as whoever asked first may still wait for it, in all, and
        who could not be begun with by then is told.
        """
        self._work, self._most, self._beside, self._longest = work, most, beside, longest
        self._slow_s = slow_s
        self._patience_s = patience_s
        self._threads = ThreadPoolExecutor(beside, thread_name_prefix="gathered")
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line[Asked, Answer]] = WeakKeyDictionary()

    async def ask(self, asked: Asked) -> Answer:
        """What `work` answers. The call that answers begins after this one was asked.

        Raises:
            Unavailable: so many wait already that it would be answered too late.
            PoolExhausted: it was not begun with in time.
        """
        loop = asyncio.get_running_loop()
        line = self._lines.setdefault(loop, _Line())
        if len(line.waiting) >= self._longest:
            raise Unavailable("More comes than can be done. Try again in a moment.")
        answer: asyncio.Future[Answer] = loop.create_future()
        asked_at, patience_s = time.monotonic(), waiting.granted(self._patience_s)
        waiter = _Waiter(asked, answer, asked_at + patience_s)
        line.waiting.append(waiter)
        in_time = loop.call_later(max(0.0, patience_s - waiting.LEAST_S), _leave, line, waiter)
        self._begin_if_due(loop, line)
        try:
            return await answer
        finally:
            in_time.cancel()
            waiting.spend(time.monotonic() - asked_at)

    def _begin_if_due(self, loop: asyncio.AbstractEventLoop, line: _Line[Asked, Answer]) -> None:
        if not line.waiting or line.at_work >= self._beside:
            return
        if not line.at_work:
            if len(line.waiting) >= min(line.about, self._most):
                self._begin(loop, line)
            elif line.still is None:
                self._wait_for_others(loop, line, _TRIES)
        elif loop.time() >= line.begun_at + self._slow_s:
            self._begin(loop, line)
        if line.at_work and line.another is None:
            line.another = loop.call_at(line.begun_at + self._slow_s, self._look_again, loop, line)

    def _wait_for_others(
        self, loop: asyncio.AbstractEventLoop, line: _Line[Asked, Answer], tries: int
    ) -> None:
        line.still = loop.call_later(
            _STILL_S, self._begin_if_still, loop, line, len(line.waiting), loop.time() + 2 * _STILL_S, tries
        )

    def _begin_if_still(
        self, loop: asyncio.AbstractEventLoop, line: _Line[Asked, Answer], before: int, due: float, tries: int
    ) -> None:
        """Begin, unless somebody has come in the meantime, or may have: the loop was too busy to look."""
        line.still = None
        if line.waiting and not line.at_work:
            if tries > 1 and (len(line.waiting) > before or loop.time() > due):
                self._wait_for_others(loop, line, tries - 1)
            else:
                self._begin(loop, line)

    def _begin(self, loop: asyncio.AbstractEventLoop, line: _Line[Asked, Answer]) -> None:
        if line.still is not None:
            line.still.cancel()
            line.still = None
        line.at_work += 1
        line.begun_at = loop.time()
        batch = [line.waiting.popleft() for _ in range(min(self._most, len(line.waiting)))]
        task = loop.create_task(self._serve(line, batch))
        line.tasks.add(task)
        task.add_done_callback(line.tasks.discard)

    def _look_again(self, loop: asyncio.AbstractEventLoop, line: _Line[Asked, Answer]) -> None:
        line.another = None
        self._begin_if_due(loop, line)

    async def _serve(self, line: _Line[Asked, Answer], batch: Sequence[_Waiter[Asked, Answer]]) -> None:
        try:
            await self._serve_batch(batch)
        finally:
            line.at_work -= 1  # at once: who asks from now on needs another task
            line.about = len(batch) + len(line.waiting)
            self._begin_if_due(asyncio.get_running_loop(), line)

    async def _serve_batch(self, batch: Sequence[_Waiter[Asked, Answer]]) -> None:
        answers: Sequence[Answer | Exception]
        try:
            work = partial(copy_context().run, self._answer, batch)
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
            answers = [error] * len(batch)
        for waiter, answer in zip(batch, answers, strict=True):
            if waiter.answer.done():  # who asked has gone
                continue
            if isinstance(answer, Exception):
                waiter.answer.set_exception(answer)
            else:
                waiter.answer.set_result(answer)

    def _answer(self, batch: Sequence[_Waiter[Asked, Answer]]) -> Sequence[Answer | Exception]:
        left_s = batch[0].until - time.monotonic()
        with waiting.at_most(max(waiting.LEAST_S, left_s)):
            return self._work([waiter.asked for waiter in batch])
