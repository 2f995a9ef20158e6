"""Running a prompt once: the model's answer, whole or piece by piece, and a log of it whatever happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.core import clock, ids, waiting
from app.core.broker import outage
from app.core.conflicts import is_deadlock
from app.core.database import unit_of_work
from app.core.errors import Conflict, DomainError, OverBudget
from app.core.gathering import Gatherer
from app.generations.prepared import Origin, PreparedPrompt, answered, failed, not_called
from app.generations.template_tools import TemplateAnswers
from app.logs.budget import Allowance
from app.logs.records import LogRecord
from app.logs.service import write_in_traces
from app.providers.answers import Answer, ProviderError
from app.providers.client import ModelClient
from app.providers.meter import Meter
from app.providers.pool import pool

STOPPED = "Stopped."
_saving: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A prompt made ready, and what to run it on."""

    prompt: PreparedPrompt
    origin: Origin
    inputs: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]] = ()
    datapoint_id: str | None = None
    body: Mapping[str, Any] | None = None
    """The provider's request, where it has been made already."""
    answers: TemplateAnswers | None = None
    """The calls of tools in the template, where they are ready to be made."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What a request that has not been made says beside what the prompt does."""
    log: Mapping[str, Any] = field(default_factory=dict)
    """What the caller says of the log, by the names of `LogRecord`."""
    saves: bool = True
    """Whether the log keeps what went in and came out."""
    told: bool = False
    """The caller knows the log's id before it is written: others may be nested under it by then."""
    keeps_request: bool = False
    """Whether the log says what was sent to the provider."""
    own_key: bool = False
    """The endpoint has a key that came with this call: it must not outlive it."""
    allowance: Allowance | None = None


async def stream_run(request: RunRequest) -> AsyncGenerator[str | LogRecord]:
    """The answer piece by piece, and last its log, which is written by then.

    No transaction is open while the model answers. When the caller goes away, what had come is logged as stopped.
    """
    pieces: list[str] = []
    sent = _Sent()
    record: LogRecord | None = None
    try:
        async with aclosing(_answer(request, sent)) as parts:
            async for part in parts:
                if isinstance(part, LogRecord):
                    record = part
                else:
                    pieces.append(part)
                    yield part
    finally:
        if record is None:
            record = _stopped(request, "".join(pieces), sent.characters[-1] if sent.characters else 0)
        record = replace(_completed(request, record), provider_request=sent.body)
        await save([(request, record)])
    yield record


async def run_once(request: RunRequest) -> LogRecord:
    """The log of one whole run, for callers that cannot stream."""
    async for part in stream_run(request):
        if isinstance(part, LogRecord):
            return part
    raise AssertionError  # a run always ends with its log


async def run_whole(requests: Sequence[RunRequest]) -> list[LogRecord]:
    """The logs of runs that are made at once, none of them streamed; they are written when all have ended."""
    records = await asyncio.gather(*(_whole(request) for request in requests))
    await save(list(zip(requests, records, strict=True)))
    return records


async def _whole(request: RunRequest) -> LogRecord:
    target = request.prompt.target
    try:
        async with _admitted(request) as (client, body):
            record = answered(request.origin, target, await client.chat(body))
    except DomainError as error:
        record = not_called(request.origin, target, error)
    except ProviderError as error:
        record = failed(request.origin, target, error)
    return _completed(request, record)


@dataclass(slots=True)
class _Sent:
    """What the model was asked with."""

    characters: list[int] = field(default_factory=list)
    """In each try."""
    body: dict[str, Any] | None = None
    """Where it is kept."""


async def _answer(request: RunRequest, sent: _Sent) -> AsyncGenerator[str | LogRecord]:
    """`sent` learns what the model is asked with."""
    target = request.prompt.target
    try:
        async with _admitted(request) as (client, body):
            if request.keeps_request:
                sent.body = client.shown(body)
            async with aclosing(client.stream(body, sent.characters)) as parts:
                async for part in parts:
                    yield answered(request.origin, target, part) if isinstance(part, Answer) else part
    except DomainError as error:
        yield not_called(request.origin, target, error)
    except ProviderError as error:
        yield failed(request.origin, target, error)


async def _body(request: RunRequest) -> dict[str, Any]:
    if request.body is not None:
        return dict(request.body)
    body = await request.prompt.request_beside(request.inputs, request.messages, request.answers)
    return {**body, **request.parameters}


@asynccontextmanager
async def _admitted(request: RunRequest) -> AsyncIterator[tuple[ModelClient, dict[str, Any]]]:
    """A client for one call that the budget allows, and its body, for which the template's tools are called then.

    Raises:
        OverBudget: the budget is spent, and no tool was called.
        DomainError: the body could not be made, and the call does not count.
    """
    meter = _meter(request)
    if meter and (refusal := await meter.admit()):
        raise OverBudget(f"{refusal[0].upper()}{refusal[1:]}.")
    try:
        body = await _body(request)
    except BaseException:
        if meter:
            await asyncio.shield(_kept(meter.spent(Decimal(0), -1)))
        raise
    async with pool().client(request.prompt.target.endpoint, shared=not request.own_key) as client:
        yield client, body


def _meter(request: RunRequest) -> Meter | None:
    allowance = request.allowance
    if allowance is None:
        return None
    return Meter(pool().redis, allowance.key, allowance.cap, allowance.spent, outage())


async def _count(logged: Sequence[tuple[RunRequest, LogRecord]]) -> None:
    """Count what the calls came to that were made, also of those that broke off or were stopped."""
    for request, record in logged:
        if record.attempts and (meter := _meter(request)):
            usd = Decimal(record.prompt_cost or 0) + Decimal(record.output_cost or 0)
            await meter.spent(usd, record.attempts - 1)


def _stopped(request: RunRequest, partial: str, sent: int) -> LogRecord:
    error = ProviderError(STOPPED)
    error.partial, error.asked = partial, sent
    return failed(request.origin, request.prompt.target, error)


def _completed(request: RunRequest, record: LogRecord) -> LogRecord:
    """The log with all that its caller says of it."""
    return replace(
        record,
        inputs=request.inputs,
        messages=list(request.messages) or None,
        datapoint_id=request.datapoint_id,
        included=request.prompt.said_of_included,
        **request.log,
    )


async def save(logged: Sequence[tuple[RunRequest, LogRecord]]) -> None:
    """Write logs, each into its trace, in a task of its own: they are written even where the caller is being cancelled.

    One whose id another log has taken meanwhile gets another id: its call is paid, and must not be lost.
    """
    records = [record if request.saves else _without_payloads(record) for request, record in logged]
    counting = _kept(_count(logged))
    await save_records(records, [record.id for request, record in logged if request.told])
    await asyncio.shield(counting)
    for (_, record), written in zip(logged, records, strict=True):
        record.id, record.trace_id = written.id, written.trace_id


async def save_records(records: Sequence[LogRecord], told: Sequence[str]) -> None:
    """As `save`, for logs that are as they are to be kept. `told` are the ids that callers know already."""
    await asyncio.shield(_kept(_saved(_Unsaved(records, told))))


def _kept(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that goes on where its maker is being cancelled."""
    task = asyncio.create_task(work)
    _saving.add(task)  # the loop itself keeps only a weak reference
    task.add_done_callback(_saving.discard)
    return task


def _without_payloads(record: LogRecord) -> LogRecord:
    return replace(
        record,
        inputs=None,
        messages=None,
        output=None,
        output_message=None,
        provider_request=None,
        provider_response=None,
        payload_cleared_at=clock.now().isoformat(),
    )


@dataclass(frozen=True, slots=True)
class _Unsaved:
    records: Sequence[LogRecord]
    told: Sequence[str]
    """The ids that callers know already."""


async def _saved(unsaved: _Unsaved) -> None:
    with waiting.at_most(waiting.WORK_S):  # whatever the request has waited for already
        await _SAVES.ask(unsaved)


def _save_all(unsaved: Sequence[_Unsaved]) -> list[Exception | None]:
    """Write the logs of many calls in one transaction; where that fails, those of each by themselves."""
    if len(unsaved) > 1:
        try:
            _write(unsaved)
        except DBAPIError as error:
            if not is_deadlock(error):
                raise
        except DomainError:
            pass  # one of them is refused: the next lines find out which
        else:
            return [None] * len(unsaved)
    return [_save(one) for one in unsaved]


def _save(unsaved: _Unsaved) -> Exception | None:
    try:
        try:
            _write([unsaved])
        except Conflict:
            for record in unsaved.records:
                if record.id in unsaved.told:
                    record.id = ids.new_id("log")
            _write([replace(unsaved, told=())])
    except Exception as error:  # noqa: BLE001 - raised where the call is waited for
        return error
    return None


def _write(unsaved: Sequence[_Unsaved]) -> None:
    with unit_of_work() as session:
        for workspace_id in sorted({one.records[0].workspace_id for one in unsaved}):
            of_it = [one for one in unsaved if one.records[0].workspace_id == workspace_id]
            records = [record for one in of_it for record in one.records]
            told = [log_id for one in of_it for log_id in one.told]
            write_in_traces(session, workspace_id, records, chosen=told, late=True, resent=False)


_SAVES: Gatherer[_Unsaved, None] = Gatherer(
    _save_all, most=50, beside=2, longest=100_000, patience_s=waiting.WORK_S
)
"""Nobody is turned away: the calls are paid."""
