"""The v5 route that calls a prompt."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.core.access import Action
from app.core.database import unit_of_work
from app.core.errors import DomainError
from app.core.openapi import EVENT
from app.core.permissions import admit, api_key_of, declare
from app.core.plain_routes import PlainRoute, json_response
from app.generations.calling import ReadyCall, failure_of, prepare_call
from app.generations.presentation import present_call, present_end, present_piece
from app.generations.schemas import PromptCall
from app.generations.streaming import run_whole, stream_run
from app.generations.usual_calls import CALLS, UsualCall
from app.logs.records import LogRecord

hot = APIRouter(prefix="/v5/prompts", tags=["Prompts"], route_class=PlainRoute)
"""What production asks all day."""
Json = dict[str, Any]
_Part = tuple[int, str | LogRecord]


@hot.post(
    "/call",
    response_model=None,
    responses={200: {"description": "The answers.", "content": {"text/event-stream": {"schema": EVENT}}}},
    dependencies=[Depends(declare(Action.RUN))],
)
async def call_prompt(
    body: Annotated[PromptCall, Body(default_factory=PromptCall)],
    request: Request,
    version_id: str | None = None,
    environment: str | None = None,
) -> Response:
    """Call a prompt's model, and log it. With `stream`, pieces of the answer come as server-sent events.

    Where no answer came at all, the error of the provider is answered: `{type, message, code, origin}`.
    """

    def prepare() -> ReadyCall:
        with unit_of_work() as session:
            principal = admit(request, session, Action.RUN)
            return prepare_call(session, principal, body, version_id=version_id, environment=environment)

    usual = UsualCall(api_key_of(request), body, version_id, environment)
    ready = await CALLS.ask(usual) if usual.is_usual else None
    if ready is None:
        ready = await run_in_threadpool(prepare)
    if body.stream:
        parts = _parts(ready)
        first = await anext(parts)
        if failure := _failed_at_once(ready, first):
            await parts.aclose()
            raise failure
        headers = {"x-accel-buffering": "no"}
        return StreamingResponse(
            _events(ready, first, parts), media_type="text/event-stream", headers=headers
        )
    records = await run_whole(ready.runs)
    failures = [failure_of(record) for record in records]
    if failures[0] and all(failures):
        raise failures[0]
    return json_response(present_call(ready, records))


def _failed_at_once(ready: ReadyCall, first: _Part) -> DomainError | None:
    """Why nothing came, where it is the only answer: an error then, and no stream."""
    part = first[1]
    return failure_of(part) if len(ready.runs) == 1 and isinstance(part, LogRecord) else None


async def _events(ready: ReadyCall, first: _Part, parts: AsyncGenerator[_Part]) -> AsyncIterator[bytes]:
    async with aclosing(parts):
        yield _event(ready, *first)
        async for index, part in parts:
            yield _event(ready, index, part)


def _event(ready: ReadyCall, index: int, part: str | LogRecord) -> bytes:
    shown = (
        present_end(ready, index, part) if isinstance(part, LogRecord) else present_piece(ready, index, part)
    )
    return b"data: " + orjson.dumps(shown) + b"\n\n"


async def _parts(ready: ReadyCall) -> AsyncGenerator[_Part]:
    """The pieces of all answers as they come, each with the number of its answer, and at the end of each its log."""
    if len(ready.runs) == 1:
        async with aclosing(stream_run(ready.runs[0])) as parts:
            async for part in parts:
                yield 0, part
        return
    arrived: asyncio.Queue[_Part] = asyncio.Queue(maxsize=100)

    async def listen(index: int) -> None:
        async with aclosing(stream_run(ready.runs[index])) as parts:
            async for part in parts:
                await arrived.put((index, part))

    tasks = [asyncio.create_task(listen(index)) for index in range(len(ready.runs))]
    try:
        open_ones = len(tasks)
        while open_ones:
            index, part = await arrived.get()
            open_ones -= isinstance(part, LogRecord)
            yield index, part
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
