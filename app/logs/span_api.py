"""The v5 route that takes the spans of the SDK's decorators.

Whoever sends them has one thread for it, which ends for good with the first answer that is not 200: so whatever comes
with a valid key is kept, as a log or in quarantine, and a database that is away is waited for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.concurrency import run_in_threadpool

from app.core import key_rates, waiting
from app.core.access import Action, Principal
from app.core.conflicts import is_read_only
from app.core.database import unit_of_work
from app.core.errors import TooMany, Unauthenticated, Unavailable
from app.core.openapi import ERRORS
from app.core.permissions import admit, api_key_of, declare
from app.core.plain_routes import PlainRoute
from app.core.request_bodies import SPANS as ADDRESS
from app.logs import span_intake
from app.logs.ingestion import SPANS, Sent
from app.logs.spans import ReadSpan

router = APIRouter(tags=["Logs"], route_class=PlainRoute)
_PASSING = (OperationalError, InterfaceError, PoolExhausted, TooMany, Unavailable)
"""What is over in a while."""
_PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)
_MIB = 1024 * 1024
_MOST_BYTES = 10 * _MIB
_ONE_TRY_S = 5.0
_SMALL = 64 * 1024
"""Bytes that are quicker read than a stranger is found out, or a thread."""
_AT_ONCE = 50
"""Spans that are written in one transaction."""
Result = TypeVar("Result")


@router.post(
    ADDRESS,
    dependencies=[Depends(declare(Action.LOG))],
    openapi_extra={
        ERRORS: [401, 403, 429, 503],
        "requestBody": {
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {"resourceSpans": [{"scopeSpans": [{"spans": []}]}]},
                }
            }
        },
    },
)
async def take_spans(request: Request) -> dict[str, Any]:
    """Take spans, as the decorators of the SDK export them: OTLP in JSON, whatever the content type.

    `records` has an id for each span, in their order. A span that cannot be read is kept aside, and its id begins with
    `qua_`.
    """
    if not api_key_of(request):
        raise Unauthenticated(
            "Send your API key in the header X-API-KEY."
        )  # the database need not be there for it
    until = request.scope.get(key_rates.UNTIL) or time.monotonic() + key_rates.PATIENCE_S
    if not _is_small(request.headers.get("content-length", "")):
        await _patiently(until, partial(run_in_threadpool, _admit, request))  # a stranger's are not read
    body, problem = await _read(request)
    if len(body) <= _SMALL:
        spans = span_intake.read(body, problem)
    else:
        spans = await run_in_threadpool(span_intake.read, body, problem)
    if not spans:
        await _patiently(until, partial(run_in_threadpool, _admit, request))
    records: list[str] = []
    for first in range(0, len(spans), _AT_ONCE):
        records += await _patiently(until, partial(_take, request, spans[first : first + _AT_ONCE]))
    return {"records": records}


def _is_small(length: str) -> bool:
    return len(length) < 10 and length.isdigit() and int(length) <= _SMALL


async def _patiently(until: float, work: Callable[[], Awaitable[Result]]) -> Result:
    """Do something with the database; while it is away, or wants to be left alone, again and again `until` then."""
    pauses = iter(_PAUSES_S)
    pause_s = 0.0
    while True:
        try:
            with waiting.at_most(_ONE_TRY_S):
                return await work()
        except (*_PASSING, InternalError) as error:
            pause_s = next(pauses, pause_s)
            passes = not isinstance(error, InternalError) or is_read_only(error)
            if not passes or time.monotonic() + pause_s > until:
                raise
        await asyncio.sleep(pause_s)


def _admit(request: Request) -> Principal:
    with unit_of_work() as session:
        return admit(request, session, Action.LOG)


async def _take(request: Request, spans: Sequence[ReadSpan]) -> Sequence[str]:
    """Write spans in one go with those of other requests."""
    while (written := await SPANS.ask(Sent(api_key_of(request), spans))) is None:
        await run_in_threadpool(_admit, request)
    return written


async def _read(request: Request) -> tuple[bytes, str | None]:
    """The body, and what is wrong with it: what goes on past the limit is read and dropped."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part[: max(0, _MOST_BYTES - size)])
        size += len(part)
    body = b"".join(parts)
    if size > _MOST_BYTES:
        return body, f"it is longer than {_MOST_BYTES // _MIB} MiB"
    encoding = request.headers.get("content-encoding", "identity").lower()
    return body, None if encoding == "identity" else f"it is packed ({encoding[:40]})"
