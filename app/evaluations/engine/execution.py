"""The engine: one worker slot keeps its share of a run's calls in flight, across shards, until nothing is left.

A slot claims a shard, works on its items, and claims the next one as soon as fewer calls than its share are in
flight, so that the end of a shard is no barrier; unless another run waits for a slot. While a provider lets all its
calls wait, it works on such a run beside. Results are written in batches; a heartbeat keeps the leases
and sees cancellation. Losing a worker costs what was in flight or not yet written, nothing else.
"""

import asyncio
import math
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import ids
from app.core.broker import AWAY_ASYNC, Outage, connect_async
from app.core.settings import get_settings
from app.evaluations import shard_repository
from app.evaluations.engine import stopping
from app.evaluations.engine.item import ItemWorker, Known, Outcome
from app.evaluations.engine.meters import RunMeters
from app.evaluations.engine.taking import take
from app.evaluations.engine.transactions import at_once, in_transaction
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.shard_repository import Claimed, Item, Renewed, Settled
from app.evaluations.verdicts.plan import Plan, load_plan
from app.evaluations.verdicts.webhooks import Webhooks
from app.logs import budget
from app.logs.budget import Allowance
from app.providers import in_flight
from app.providers.client import Endpoint, ModelClient, limited_client
from app.providers.meter import Spent

FLUSH_ROWS = 100
FLUSH_S = 1.0
HEARTBEAT_S = 1.0
DRAIN_S = 20.0
"""A process that is to end waits so long for answers that it has asked for, and for their judges."""
_MOST_UNWRITTEN = 2_000
"""With the database away, results wait in memory up to here; then no further calls are made."""
log = structlog.get_logger()
Meanwhile = Callable[[], Coroutine[Any, Any, None]]
Beside = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Work of other packages that goes on while a slot works on runs. It begins nothing more once the event is set."""


def _new_owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{ids.new_id('own')}"


class Slot:
    """A worker process: its connections to providers, kept from run to run."""

    def __init__(self, is_stopping: Callable[[], bool] = lambda: False, beside: Beside | None = None) -> None:
        """`is_stopping` tells that this process is to end: nothing more is begun, and what is in flight is written."""
        self._others = beside
        self._is_stopping = is_stopping
        self._redis = connect_async()
        self._process = f"{socket.gethostname()}-{os.getpid()}"
        self._clients: dict[str, tuple[Endpoint, ModelClient]] = {}
        self._outdated: list[ModelClient] = []
        """Of providers that were changed since. A run beside may still be using them."""

    async def work(self) -> None:
        """Work on the run that fewest slots work on, then on the next, until nothing waits."""
        owner = _new_owner()
        ended = asyncio.Event()
        telling = asyncio.create_task(self._tell_calls(ended))
        others = asyncio.create_task(self._others(ended)) if self._others else None
        try:
            while not self._is_stopping() and (claimed := await self._claim(owner)):
                await self._work_on(claimed, owner, meanwhile=self._work_beside)
                while self._outdated:
                    await self._outdated.pop().aclose()
        finally:
            ended.set()
            telling.cancel()
            if others:
                await others

    async def _tell_calls(self, ended: asyncio.Event) -> None:
        """Say once a second how many calls are in flight, for people who look at the limits.

        Being cancelled is not enough: before Python 3.12 `asyncio.wait_for`, in the client of Valkey, may lose that.
        """
        away = Outage()
        while not ended.is_set():
            calls = Counter[str]()
            for client in (*self._outdated, *(client for _, client in self._clients.values())):
                calls[client.endpoint.provider_id] += client.on_the_wire
            if not away.lasts:
                try:
                    await in_flight.tell(self._redis, self._process, calls)
                except AWAY_ASYNC as error:
                    away.noticed(error)
            await asyncio.sleep(HEARTBEAT_S)

    async def _work_beside(self) -> None:
        """Work on one run more, while the calls of the slot's own run only wait."""
        owner = _new_owner()
        if claimed := await self._claim(owner):
            await self._work_on(claimed, owner)

    async def _work_on(self, claimed: Claimed, owner: str, meanwhile: Meanwhile | None = None) -> None:
        plan = await self._plan(owner, claimed)
        if plan is None:
            return
        clients = {endpoint.provider_id: await self._client(endpoint) for endpoint in plan.endpoints}
        meters = RunMeters(self._redis, plan)
        webhooks = Webhooks(plan.webhook_key)
        worker = ItemWorker(plan, clients, meters, webhooks)
        # The message that woke us may have been about another run.
        with structlog.contextvars.bound_contextvars(request_id=plan.request_id, run=plan.run_id):
            log.info("run taken", shard=claimed.shard_id)
            try:
                await _RunWindow(plan, owner, claimed, worker, meters, meanwhile, self._is_stopping).run()
            finally:
                await webhooks.aclose()
            log.info("run left")

    async def _claim(self, owner: str) -> Claimed | None:
        return await in_transaction(lambda session: shard_repository.claim_fairly(session, owner))

    async def _plan(self, owner: str, claimed: Claimed) -> Plan | None:
        """What is to be done, and all that judging needs loaded; the lease is kept meanwhile."""
        keeping = asyncio.create_task(_keep(owner, claimed.run_id))
        try:
            plan = await in_transaction(partial(load_plan, run_id=claimed.run_id))
            if plan:
                await asyncio.to_thread(plan.load_evaluators)
            return plan
        finally:
            keeping.cancel()

    async def _client(self, endpoint: Endpoint) -> ModelClient:
        known = self._clients.get(endpoint.provider_id)
        if known and known[0] == endpoint:
            return known[1]
        if known:
            self._outdated.append(known[1])
        client = limited_client(self._redis, endpoint, slots=get_settings().worker_slots)
        self._clients[endpoint.provider_id] = (endpoint, client)
        return client

    async def aclose(self) -> None:
        """Close every connection."""
        for client in (*self._outdated, *(client for _, client in self._clients.values())):
            await client.aclose()
        await self._redis.aclose()


class _RunWindow:
    """The calls of one run that one slot has in flight."""

    def __init__(
        self,
        plan: Plan,
        owner: str,
        first: Claimed,
        worker: ItemWorker,
        meters: RunMeters,
        meanwhile: Meanwhile | None,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._is_stopping = is_stopping
        self._given_up = False
        """Whether callers were told to end: one that waits for Valkey may not hear of its being cancelled."""
        self._is_clear = False
        """Whether the run ends because it is clear: what is in flight is awaited, and nothing more is begun."""
        self._looking = False
        self._stops_at = math.inf
        self._meanwhile = meanwhile
        self._beside: asyncio.Task[None] | None = None
        self._plan = plan
        self._meters = meters
        self._owner = owner
        self._worker = worker
        self._share = max(1, math.ceil(plan.concurrency / get_settings().worker_slots))
        self._first: Claimed | None = first
        self._queue: deque[tuple[Item, Known | None]] = deque()
        self._held: set[int] = set()
        """Positions that are waiting, in flight or not yet written: a shard that comes back is no reason to ask twice."""
        self._exhausted = False
        self._claiming = asyncio.Lock()
        self._unwritten: list[Outcome] = []
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        self._room.set()

    async def run(self) -> None:
        """Work until nothing of the run is left to claim, or the run was cancelled."""
        callers = asyncio.create_task(self._call_all())
        heartbeat = asyncio.create_task(self._beat(callers))
        writing = asyncio.create_task(self._write_regularly())
        try:
            with suppress(asyncio.CancelledError):
                await callers
        finally:
            try:
                async with self._writing:  # what it is writing now would be written twice
                    writing.cancel()
                await self._write_all()
                await in_transaction(lambda session: stopping.leave(session, self._owner, self._plan.run_id))
            finally:
                heartbeat.cancel()
                await asyncio.gather(heartbeat, writing, return_exceptions=True)
                if self._beside:
                    await self._beside

    async def _call_all(self) -> None:
        """Whatever ends one caller ends all: none goes on behind the window's back."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._share):
                group.create_task(self._call())

    async def _call(self) -> None:
        while (work := await self._next()) is not None:
            self._unwritten.append(await self._outcome(*work))
            if len(self._unwritten) >= FLUSH_ROWS:
                await self._write()
            if len(self._unwritten) >= _MOST_UNWRITTEN:
                self._room.clear()
            await self._room.wait()

    async def _outcome(self, item: Item, known: Known | None) -> Outcome:
        try:
            return await self._worker.work(item, known)
        except Exception as error:
            # A fault of ours must cost one row, not the run: the shard would come back and fail for ever.
            log.exception("item failed", position=item.position)
            reason = (
                f"Something broke on our side ({type(error).__name__}). The worker's log has the details."
            )
            return Outcome(item, Settled(item.position, item.log_id, reason))

    async def _next(self) -> tuple[Item, Known | None] | None:
        while not self._queue:
            if self._is_to_end:
                return None
            async with self._claiming:
                if self._queue:
                    break
                try:
                    if self._exhausted or not await self._claim_more():
                        return None
                except SQLAlchemyError as error:
                    log.warning("no shard taken yet", error=str(error))
                    await asyncio.sleep(HEARTBEAT_S)
        return None if self._is_to_end else self._queue.popleft()

    @property
    def _is_to_end(self) -> bool:
        return self._given_up or self._is_clear or self._is_stopping()

    def _give_up(self, callers: asyncio.Task[None]) -> None:
        self._given_up = True
        callers.cancel()

    async def _claim_more(self) -> bool:
        first = self._first
        taken = await in_transaction(lambda session: take(session, self._owner, self._plan, first))
        self._first = None
        if taken is None:
            self._exhausted = True
            return False
        new = [work for work in taken if work[0].position not in self._held]
        self._held.update(item.position for item, _ in new)
        self._queue.extend(new)
        return True

    async def _beat(self, callers: asyncio.Task[None]) -> None:
        """Keep the leases, once a second, and stop the calls when they are not wanted."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                renewed, allowance = await at_once(self._renew)
            except SQLAlchemyError as error:
                log.warning("lease not renewed", error=str(error))
                continue
            if not renewed.wanted:
                self._give_up(callers)
                return
            self._is_clear = self._is_clear or renewed.ends
            self._drop_lost(renewed.kept)
            self._meters.learn(Spent(renewed.spent_usd, renewed.calls), allowance)
            if self._is_stopping():
                self._stops_at = min(self._stops_at, time.monotonic() + DRAIN_S)
                if self._worker.can_be_left or time.monotonic() > self._stops_at:
                    self._give_up(callers)
                    return
            elif not callers.done():
                await self._make_use_of_waiting()

    async def _write_regularly(self) -> None:
        """Write what has come, once a second. Apart from the heartbeat, which a slow write must not delay."""
        while True:
            await asyncio.sleep(FLUSH_S)
            if self._unwritten:
                await self._write()

    async def _make_use_of_waiting(self) -> None:
        """Work on a run that no slot works on, while every call of this one is between two tries or waits for the rate.

        Leaving instead would forget how long the provider asked to be left alone.
        """
        if self._meanwhile is None or (self._beside and not self._beside.done()) or self._worker.on_the_wire:
            return
        with suppress(SQLAlchemyError):
            if await at_once(partial(shard_repository.others_wait, run_id=self._plan.run_id)):
                self._beside = asyncio.create_task(self._meanwhile())

    def _renew(self, session: Session) -> tuple[Renewed, Allowance | None]:
        renewed = shard_repository.renew(session, self._owner, self._plan.run_id)
        workspace_id = self._plan.workspace_id
        return renewed, budget.allowance(session, workspace_id) if renewed.has_budget else None

    def _drop_lost(self, kept: set[str]) -> None:
        """Forget items of shards that were taken for dead: somebody else has them now."""
        lost = [work for work in self._queue if work[0].shard_id not in kept]
        if lost:
            self._held.difference_update(item.position for item, _ in lost)
            self._queue = deque(work for work in self._queue if work[0].shard_id in kept)

    async def _write(self) -> None:
        """Write what has come. What cannot be written stays, and is tried again with the next batch."""
        async with self._writing:
            batch = self._unwritten[:]
            if not batch:
                return
            try:
                await in_transaction(lambda session: write_outcomes(session, self._plan, self._owner, batch))
            except SQLAlchemyError as error:
                log.warning("results not written yet", rows=len(batch), error=str(error))
                await asyncio.sleep(0.5)
                return
            # Rows leave the buffer only after they are in the database: a cancelled write loses none.
            del self._unwritten[: len(batch)]
            self._held.difference_update(outcome.item.position for outcome in batch)
            self._room.set()
        if self._plan.stops_in:
            await self._look(self._plan.stops_in)

    async def _look(self, evaluation_id: str) -> None:
        """See whether it is clear by now. What cannot be read is looked at with the next batch, or by the reaper."""
        if self._looking or self._is_clear:
            return
        self._looking = True
        try:
            self._is_clear = await in_transaction(partial(stopping.look, evaluation_id=evaluation_id))
        except SQLAlchemyError as error:
            log.warning("not looked at yet", error=str(error))
        finally:
            self._looking = False

    async def _write_all(self) -> None:
        started = time.monotonic()
        while self._unwritten and time.monotonic() - started < shard_repository.LEASE_S * 6:
            await self._write()


async def _keep(owner: str, run_id: str) -> None:
    """Renew the leases of `owner` until this is cancelled."""
    while True:
        with suppress(SQLAlchemyError):
            await at_once(partial(shard_repository.renew, owner=owner, run_id=run_id))
        await asyncio.sleep(HEARTBEAT_S)
