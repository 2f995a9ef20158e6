"""Work on the database that many requests want at once, done together: one trip for all that came during the last one.

A request that is alone waits for nobody. The busier a process, the more share each trip, so that its cost a request falls.
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

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class _Waiter(NamedTuple, Generic[Asked, Answer]):
    asked: Asked
    answer: "asyncio.Future[Answer]"
    since: float


class _Line(Generic[Asked, Answer]):
    """Who waits in one event loop, and how many batches are at work for it."""

    def __init__(self) -> None:
        self.waiting: deque[_Waiter[Asked, Answer]] = deque()
        self.at_work = 0
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
        longest: int = 2_000,
        patience_s: float = waiting.REQUEST_S,
    ) -> None:
        """`work` is given at most `most` at once, and answers each, in their order; an exception is raised to the one
        who asked, and one that `work` raises to all of them. At most `beside` calls run at a time, and `longest` wait.
        The database is waited for as long as `patience_s`, in all, and who could not be begun with by then is told.
        """
        self._work, self._most, self._beside, self._longest = work, most, beside, longest
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
        waiter = _Waiter(asked, answer, time.monotonic())
        line.waiting.append(waiter)
        in_time = loop.call_later(self._patience_s - waiting.LEAST_S, _leave, line, waiter)
        if line.at_work < self._beside:
            line.at_work += 1
            task = loop.create_task(self._serve(line))
            line.tasks.add(task)
            task.add_done_callback(line.tasks.discard)
        try:
            return await answer
        finally:
            in_time.cancel()

    async def _serve(self, line: _Line[Asked, Answer]) -> None:
        try:
            while line.waiting:
                batch = [line.waiting.popleft() for _ in range(min(self._most, len(line.waiting)))]
                await self._serve_batch(batch)
        finally:
            line.at_work -= 1  # at once: who asks from now on needs another task

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
        waited_s = time.monotonic() - batch[0].since
        with waiting.at_most(max(waiting.LEAST_S, self._patience_s - waited_s)):
            return self._work([waiter.asked for waiter in batch])
