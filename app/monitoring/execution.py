"""A worker's part: taking logs from the queue, letting the monitors of their files judge them, writing what they say.

A log is taken for a time that is renewed while the worker lives. What it comes to is written in one transaction with
the log's leaving the queue, and only if nobody changed or took the log meanwhile, so that losing a worker loses no log.
"""

import asyncio
import math
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import structlog
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core import ids, metrics
from app.core.broker import connect_async
from app.core.settings import get_settings
from app.evaluations.engine.transactions import at_once, in_transaction
from app.evaluations.verdicts.children import Children, load_children
from app.evaluations.verdicts.judged_files import JudgedFile, load_files
from app.evaluations.verdicts.judging import Judging, execution_of_log
from app.evaluations.verdicts.plan import Judge, if_priced, load_judge
from app.evaluations.verdicts.webhooks import Webhooks
from app.evaluators.binding import Row, is_judged_here
from app.logs import budget
from app.logs import repository as logs
from app.logs.budget import Allowance
from app.logs.models import Log
from app.logs.recording import without_payload
from app.logs.records import JudgmentRecord, LogRecord
from app.monitoring import repository
from app.monitoring.repository import Claimed
from app.providers.client import ModelClient, limited_client
from app.providers.meter import Meter
from app.workspaces.webhook_keys import WebhookKey, webhook_key

AT_ONCE = 20
"""Logs that one worker takes at a time."""
MOST_ATTEMPTS = 3
_LOST = f"not judged: the worker that was at it was lost {MOST_ATTEMPTS} times"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A log, and what is to judge it."""

    log: Log
    judges: Sequence[Judge]
    children: Children
    """What is nested under it."""
    file: JudgedFile | None
    """What made it, at its version."""
    lost: bool
    """Too many workers were lost over it: it is judged no more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Logs of several workspaces, and what judging them needs."""

    logs: Sequence[ToJudge]
    allowances: Mapping[str, Allowance | None]
    keys: Mapping[str, WebhookKey]


@dataclass(slots=True)
class Found:
    """What came of a batch."""

    calls: list[LogRecord] = field(default_factory=list)
    """The logs of the judges' own calls."""
    judgments: list[JudgmentRecord] = field(default_factory=list)


async def work(is_stopping: Callable[[], bool] = lambda: False, *, most_s: float | None = None) -> int:
    """Judge what waits, until nothing does, or for so long; how many logs it was."""
    ends = math.inf if most_s is None else time.monotonic() + most_s
    owner, judged = f"{socket.gethostname()}:{os.getpid()}:{ids.new_id('own')}", 0
    redis = connect_async()
    try:
        while not is_stopping() and time.monotonic() < ends:
            claimed = await in_transaction(partial(repository.claim, owner=owner, most=AT_ONCE))
            if not claimed:
                break
            keeping = asyncio.create_task(_keep(owner))
            try:
                batch = await in_transaction(partial(load, claimed=claimed))
                found = await judge(batch, redis)
                await in_transaction(partial(write, owner=owner, claimed=claimed, found=found))
            finally:
                keeping.cancel()
            judged += len(claimed)
    finally:
        await redis.aclose()
    return judged


def load(session: Session, claimed: Sequence[Claimed]) -> Batch:
    """What judging the logs needs. A log whose payload is gone has no judges: there is nothing to judge."""
    watched = repository.list_watched(session, [one.log_id for one in claimed])
    running = repository.deployed_of(session, [one.monitor for one in watched])
    chosen = {
        one.monitor.id: one.monitor.evaluator_version_id or running.get(one.monitor.id) for one in watched
    }
    evaluators = repository.find_evaluators(session, {one for one in chosen.values() if one})
    loaded = [load_judge(session, one) for one in evaluators.values() if is_judged_here(one.spec)]
    judges = {
        one.version_id: one for one in loaded if not (one.evaluator and one.evaluator.traits.needs_target)
    }
    lost = {one.log_id for one in claimed if one.attempts > MOST_ATTEMPTS}
    of_logs: dict[str, tuple[Log, dict[str, Judge]]] = {}
    for one in watched:
        _, taken = of_logs.setdefault(one.log.id, (one.log, {}))
        judge = judges.get(chosen[one.monitor.id] or "")
        if judge and one.log.payload_cleared_at is None:
            taken[judge.version_id] = judge
    workspaces = {one.workspace_id for one, _ in of_logs.values()}
    allowances = {one: budget.allowance(session, one) for one in workspaces}
    for judged, taken in of_logs.values():
        if allowances[judged.workspace_id]:
            taken.update({name: if_priced(judge) for name, judge in taken.items()})
    children: dict[str, Children] = {}
    made_by: dict[str, JudgedFile] = {}
    for workspace_id in workspaces:
        own = [
            one
            for one, taken in of_logs.values()
            if one.workspace_id == workspace_id and any(judge.sees_traces for judge in taken.values())
        ]
        children |= load_children(session, workspace_id, own)
        made_by |= load_files(session, workspace_id, own)
    return Batch(
        [
            ToJudge(
                one,
                list(taken.values()),
                children.get(one.id, ()),
                made_by.get(one.version_id),
                one.id in lost,
            )
            for one, taken in of_logs.values()
        ],
        allowances,
        {one: webhook_key(session, one) for one in workspaces},
    )


async def judge(batch: Batch, redis: Redis) -> Found:
    """Let every judge say what it says, at the same time. Never raises for what a judge or a provider does."""
    found = Found()
    every = {judge.version_id: judge for one in batch.logs for judge in one.judges}
    endpoints = {
        target.endpoint.provider_id: target.endpoint
        for judge in every.values()
        for target in judge.targets.values()
    }
    slots = get_settings().worker_slots
    clients = {name: limited_client(redis, endpoint, slots=slots) for name, endpoint in endpoints.items()}
    webhooks = {workspace_id: Webhooks(key) for workspace_id, key in batch.keys.items()}
    try:
        loaded = dict(zip(every, await asyncio.gather(*map(_loaded, every.values())), strict=True))
        judging = {name: _judging(name, batch, redis, clients, webhooks[name]) for name in batch.keys}
        saying = [
            _say(judging[one.log.workspace_id], loaded[judge.version_id], one, found)
            for one in batch.logs
            for judge in one.judges
        ]
        found.judgments += await asyncio.gather(*saying)
    finally:
        for client in clients.values():
            await client.aclose()
        for webhook in webhooks.values():
            await webhook.aclose()
    return found


async def _loaded(judge: Judge) -> Judge:
    """The judge with what it needs in memory; one that cannot have it says so of each log, and holds up no other."""
    try:
        if judge.evaluator:
            await asyncio.to_thread(judge.evaluator.load)
    except Exception as error:
        log.exception("evaluator not loaded", evaluator=judge.version_id)
        return replace(judge, problem=f"The evaluator could not be loaded ({type(error).__name__}).")
    return judge


def _judging(
    workspace_id: str, batch: Batch, redis: Redis, clients: Mapping[str, ModelClient], webhooks: Webhooks
) -> Judging:
    allowance = batch.allowances[workspace_id]
    meters = [Meter(redis, allowance.key, allowance.cap, allowance.spent)] if allowance else []
    return Judging(workspace_id, clients, meters, webhooks)


async def _say(judging: Judging, judge: Judge, one: ToJudge, found: Found) -> JudgmentRecord:
    if one.lost:
        metrics.count("whetstone_judgments_dropped_total", reason="worker_lost")
        return JudgmentRecord(
            ids.new_id("jdg"), one.log.workspace_id, one.log.id, judge.version_id, error=_LOST
        )
    row = Row(
        inputs=one.log.inputs or {},
        messages=one.log.messages or [],
        target=None,
        context=None,
        metadata=one.log.details,
        id=one.log.datapoint_id,
    )
    execution = execution_of_log(one.log, one.children, one.file)
    return await judging.judge(judge, one.log.id, execution, row, found.calls)


def write(session: Session, owner: str, claimed: Sequence[Claimed], found: Found) -> None:
    """Write what was said, in place of what the same evaluators said before. Calls were paid, whatever became of them.

    Of a log that was deleted or whose payload was cleared meanwhile, nothing is kept of what its judges were sent and said of
    its text. The logs are held first, in the order that whoever deletes them takes.
    """
    is_whole = logs.hold_logs(session, [one.log_id for one in claimed])
    calls = [call if is_whole.get(call.parent_id or "") else without_payload(call) for call in found.calls]
    logs.insert_logs(session, calls)
    settled = repository.settle(session, owner, claimed)
    mine = [
        one if is_whole[one.log_id] else replace(one, rationale=None, detail=None, stdout=None)
        for one in found.judgments
        if one.log_id in settled
    ]
    repository.forget_judgments(session, {(one.log_id, one.evaluator_version_id) for one in mine})
    logs.insert_judgments(session, mine)


async def _keep(owner: str) -> None:
    """Renew what `owner` took until this is cancelled."""
    while True:
        await asyncio.sleep(repository.LEASE_S / 3)
        with suppress(SQLAlchemyError):
            await at_once(partial(repository.renew, owner=owner))
