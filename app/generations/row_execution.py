"""A worker's part in writing rows: taking a generation, making its calls, and leaving it to the next one after a while.

It is taken for a time that is renewed while the worker lives. Each call is settled by itself (`row_settling`), so that losing a
worker costs the calls in flight, which the next one makes again.
"""

import asyncio
import math
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import ids, jobs
from app.core.broker import connect_async
from app.core.errors import DomainError
from app.core.settings import get_settings
from app.core.transactions import at_once, in_transaction
from app.datasets.rows import Destination
from app.files import repository as files_repository
from app.generations import row_asking, row_generations, row_repository
from app.generations.models import RowGeneration
from app.generations.prepared import Origin, PreparedPrompt, answered, failed, not_called
from app.generations.row_reply import Reply, read_reply
from app.generations.row_settling import Known, Made, settle
from app.generations.service import prepare
from app.logs import budget
from app.logs.budget import Allowance
from app.logs.records import LogRecord
from app.prompts.presentation import full_spec
from app.providers.answers import ProviderError
from app.providers.client import ModelClient, limited_client
from app.providers.meter import Cap, Meter, Spent

SOURCE = "row_generation"
"""Of the logs of the calls."""
MOST_LOSSES = 3
_LOST = f"The worker that was at it was lost {MOST_LOSSES} times."
_NO_PROMPT = "The version of the prompt was deleted."
_POOL = 400
"""Training rows of which each call is shown some."""


@dataclass(frozen=True, slots=True)
class Work:
    """A generation that was taken, and what its calls need."""

    generation: RowGeneration
    prompt: PreparedPrompt
    spec: dict[str, Any]
    columns: Sequence[Destination]
    calls: Sequence[tuple[int, int]]
    """Those that are still to be made: their numbers, and the rows that each is asked for."""
    parts: int
    """All calls that there are."""
    examples: Sequence[row_asking.Json]
    allowance: Allowance | None
    origin: Origin


@dataclass(slots=True)
class _State:
    """How the work on one generation stands in this process."""

    client: ModelClient
    meters: Sequence[Meter]
    waiting: deque[tuple[int, int]]
    known: Known = field(default_factory=Known)
    refusal: str | None = None
    """Why no call more may be made: what may be spent is spent."""
    is_over: bool = False
    """It was stopped, or is another worker's."""


async def work(is_stopping: Callable[[], bool] = lambda: False, *, most_s: float | None = None) -> int:
    """Work on what waits, until nothing does, or for so long; how many generations it was."""
    ends = math.inf if most_s is None else time.monotonic() + most_s
    done = 0
    redis = connect_async()
    try:
        while not is_stopping() and time.monotonic() < ends:
            owner = f"{socket.gethostname()}:{os.getpid()}:{ids.new_id('own')}"
            taken = await in_transaction(partial(row_repository.claim, owner=owner))
            if taken is None:
                break
            await _work_on(taken, owner, redis, lambda: is_stopping() or time.monotonic() >= ends)
            done += 1
    finally:
        await redis.aclose()
    return done


async def _work_on(taken: str, owner: str, redis: Redis, is_stopping: Callable[[], bool]) -> None:
    found = await in_transaction(partial(_load, generation_id=taken))
    if found is not None:
        slots = get_settings().worker_slots
        client = limited_client(redis, found.prompt.target.endpoint, slots=slots)
        state = _State(client, _meters(found, redis), deque(found.calls))
        keeping = asyncio.create_task(_keep(owner, state))
        try:
            async with asyncio.TaskGroup() as callers:
                for _ in range(min(row_generations.AT_ONCE, len(found.calls))):
                    callers.create_task(_call(found, owner, state, is_stopping))
        finally:
            keeping.cancel()
            await client.aclose()
        await in_transaction(partial(_leave, generation_id=taken, owner=owner, refusal=state.refusal))
    await in_transaction(partial(_release, owner=owner))


def _load(session: Session, generation_id: str) -> Work | None:
    """What the calls need; None where none can be made, which the generation then says."""
    generation = row_repository.get_claimed(session, generation_id)
    version = generation.version
    problem = _LOST if generation.losses >= MOST_LOSSES else "" if version else _NO_PROMPT
    try:
        prompt = prepare(session, version) if version else None
    except DomainError as error:
        prompt, problem = None, problem or error.message
    if problem or prompt is None or version is None:
        row_generations.end(session, generation, problem)
        return None
    allowance = budget.allowance(session, generation.workspace_id)
    if allowance and prompt.target.price is None:
        row_generations.end(session, generation, budget.no_price([prompt.target.model]))
        return None
    columns = row_asking.columns_of(generation.columns)
    calls = row_repository.list_calls(session, generation.id)
    return Work(
        generation,
        prompt,
        dict(full_spec(session, version)),
        columns,
        [(call.number, call.rows_asked) for call in calls if call.finished_at is None],
        len(calls),
        _examples(session, generation, columns),
        allowance,
        Origin(generation.workspace_id, version.file_id, version.id, SOURCE),
    )


def _examples(
    session: Session, generation: RowGeneration, columns: Sequence[Destination]
) -> list[row_asking.Json]:
    newest = files_repository.newest_version(session, generation.file_id)
    if not generation.examples or newest is None:
        return []
    rows = row_repository.list_training_rows(session, newest, generation.id, _POOL)
    return [row_asking.example_of(row, columns) for row in rows]


def _meters(found: Work, redis: Redis) -> list[Meter]:
    """What counts the calls: under the generation's own limit, and under the workspace's budget."""
    meters, generation, allowance = [], found.generation, found.allowance
    if generation.max_cost_usd is not None:
        cap = Cap(usd=generation.max_cost_usd, what="the limit")
        spent = Spent(generation.spent_usd, generation.calls_count)
        meters.append(Meter(redis, generation.id, cap, spent))
    if allowance:
        meters.append(Meter(redis, allowance.key, allowance.cap, allowance.spent))
    return meters


async def _call(found: Work, owner: str, state: _State, is_stopping: Callable[[], bool]) -> None:
    """Make one call after the other while there are any."""
    while state.waiting and not (state.is_over or state.refusal or is_stopping()):
        number, rows = state.waiting.popleft()
        if refusal := await _admit(state.meters):
            state.refusal = refusal
            return
        made = await _made(found, state, number, rows)
        await in_transaction(
            partial(
                settle,
                generation_id=found.generation.id,
                owner=owner,
                columns=found.columns,
                made=made,
                known=state.known,
            )
        )


async def _admit(meters: Sequence[Meter]) -> str | None:
    """Count a call that is about to be made; or say why it must not be."""
    for number, meter in enumerate(meters):
        if refusal := await meter.admit():
            for admitted in meters[:number]:
                await admitted.spent(Decimal(0), -1)
            return refusal
    return None


async def _made(found: Work, state: _State, number: int, rows: int) -> Made:
    """A call with its log and what its reply holds. Never raises for what a template, a tool or a provider did."""
    shown = row_asking.lines_of(_some(found, number))
    request = row_asking.request_of(found.spec, number, found.parts, rows, found.columns, shown)
    inputs = row_asking.inputs_of_call(found.spec, found.generation.inputs, rows, found.columns, shown)
    target = found.prompt.target
    try:
        body = await found.prompt.request_beside(inputs, [request], patient=True)
        answer = await state.client.chat(body, partial(_admit, state.meters))
    except DomainError as error:
        record = not_called(found.origin, target, error)
        reply = Reply(problem=error.message)
    except ProviderError as error:
        record = failed(found.origin, target, error)
        reply = Reply(problem=error.message)
    else:
        record = answered(found.origin, target, answer)
        reply = await asyncio.to_thread(read_reply, answer, found.columns, rows)
    await _count(state.meters, record)
    record.inputs, record.messages, record.included = inputs, [request], found.prompt.said_of_included
    record.created_by, record.metadata = found.generation.user_id, {"row_generation": found.generation.id}
    return Made(number, record, reply)


def _some(found: Work, number: int) -> list[row_asking.Json]:
    """The examples of one call: others in each."""
    count = min(found.generation.examples, len(found.examples))
    return Random(f"{found.generation.id}:{number}").sample(list(found.examples), count)


async def _count(meters: Sequence[Meter], record: LogRecord) -> None:
    usd = Decimal(record.prompt_cost or 0) + Decimal(record.output_cost or 0)
    for meter in meters:
        await meter.spent(usd, 0 if record.attempts else -1)


def _leave(session: Session, generation_id: str, owner: str, refusal: str | None) -> None:
    """End it, where no call is left or none may be made."""
    generation = row_repository.lock_own(session, generation_id, owner)
    if generation is None or generation.status != "running":
        return
    if refusal:
        row_generations.end(session, generation, f"{refusal[0].upper()}{refusal[1:]}.")
    elif not row_repository.count_open_calls(session, generation_id):
        row_generations.end(session, generation)


def _release(session: Session, owner: str) -> None:
    if row_repository.release(session, owner):
        jobs.enqueue(session, row_generations.JOB)


async def _keep(owner: str, state: _State) -> None:
    """Renew what `owner` took, and notice when it was stopped, until this is cancelled."""
    while True:
        await asyncio.sleep(1)
        with suppress(SQLAlchemyError):
            if not await at_once(partial(row_repository.renew, owner=owner), row_repository.LEASE_S / 2):
                state.is_over = True
