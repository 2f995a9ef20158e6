"""Running a draft once: the model's answer piece by piece, and a log of it whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import waiting
from app.core.broker import connect_async
from app.core.database import unit_of_work
from app.core.errors import DomainError
from app.generations.prepared import Origin, PreparedPrompt, answered, failed, not_called
from app.logs import arrivals
from app.logs.records import LogRecord
from app.providers.answers import Answer, ProviderError
from app.providers.client import limited_client

STOPPED = "Stopped."
_saving: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A draft made ready, and what to run it on."""

    prompt: PreparedPrompt
    origin: Origin
    inputs: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]] = ()
    datapoint_id: str | None = None


async def stream_run(request: RunRequest) -> AsyncIterator[str | LogRecord]:
    """The answer piece by piece, and last its log, which is written by then.

    No transaction is open while the model answers. When the caller goes away, what had come is logged as stopped.
    """
    pieces: list[str] = []
    record: LogRecord | None = None
    try:
        async for part in _answer(request):
            if isinstance(part, LogRecord):
                record = part
            else:
                pieces.append(part)
                yield part
    finally:
        if record is None:
            record = _stopped(request, "".join(pieces))
        record.inputs, record.messages = request.inputs, list(request.messages) or None
        record.datapoint_id = request.datapoint_id
        await asyncio.shield(_in_background(record))
    yield record


async def run_once(request: RunRequest) -> LogRecord:
    """The log of one whole run, for callers that cannot stream."""
    async for part in stream_run(request):
        if isinstance(part, LogRecord):
            return part
    raise AssertionError  # a run always ends with its log


async def _answer(request: RunRequest) -> AsyncIterator[str | LogRecord]:
    prompt, origin = request.prompt, request.origin
    try:
        body = await prompt.request_beside(request.inputs, request.messages)
    except DomainError as error:  # an input is missing
        yield not_called(origin, prompt.target, error.message)
        return
    redis = connect_async()
    client = limited_client(redis, prompt.target.endpoint, connections=1)
    try:
        async for part in client.stream(body):
            if isinstance(part, Answer):
                yield answered(origin, prompt.target, part)
            else:
                yield part
    except ProviderError as error:
        yield failed(origin, prompt.target, error)
    finally:
        await client.aclose()
        await redis.aclose()


def _stopped(request: RunRequest, partial: str) -> LogRecord:
    record = failed(request.origin, request.prompt.target, ProviderError(STOPPED))
    record.output = partial or None
    return record


def _in_background(record: LogRecord) -> asyncio.Task[None]:
    """Write the log in a task of its own: it is written even where the caller is being cancelled."""
    task = asyncio.create_task(asyncio.to_thread(_save, record))
    _saving.add(task)  # the loop itself keeps only a weak reference
    task.add_done_callback(_saving.discard)
    return task


def _save(record: LogRecord) -> None:
    with waiting.at_most(waiting.WORK_S), unit_of_work() as session:
        arrivals.write_logs(session, [record])
