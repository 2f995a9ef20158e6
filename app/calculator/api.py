"""`/v5/statistics`: what statistics there are, and working one out. No table is read."""

from functools import cache, partial
from typing import Annotated, Any, ClassVar

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path
from fastapi import Body as WholeBody
from fastapi.concurrency import run_in_threadpool
from pydantic import ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.calculator.catalogue import FAMILIES
from app.calculator.examples import answers
from app.calculator.working import answer
from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import Unavailable
from app.core.permissions import Reader

router = APIRouter(prefix="/v5/statistics", tags=["Statistics"])
AT_ONCE = 2
"""Statistics that one process works out at a time: each may take a processor for seconds."""
PATIENCE_S = 30.0


Name = Annotated[str, Path(description="A name, or another name, of `GET /v5/statistics`.")]


class StatisticArguments(Body):
    """The arguments of the statistic that the address names."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"successes": 45, "n": 50}
    model_config = ConfigDict(extra="allow")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Those of every statistic, each with its example."""
        shown = [
            {**one["arguments"], "title": one["name"], "description": one["purpose"]} for one in described()
        ]
        return {"type": "object", "additionalProperties": True, "anyOf": shown}


@router.get("")
def list_statistics(_: Reader) -> list[dict[str, Any]]:
    """Every statistic: what it tells, the JSON schema of its arguments, its method and source, and an example."""
    return described()


@router.post("/{name}", name="work_out_statistic")
async def work_out(
    name: Name,
    body: Annotated[StatisticArguments, WholeBody(default_factory=StatisticArguments)],
    session: SessionDep,
    _: Reader,
) -> dict[str, Any]:
    """Work out the statistic `name` from its arguments: an estimate with its interval and p, or several by their names.

    What does not apply is absent; `warnings` say what else to know. At most 100,000 values a list, and twenty seconds.
    """
    await run_in_threadpool(session.commit)  # gives the connection back: the work may take its time
    limiter = _limiter()
    try:
        with anyio.fail_after(PATIENCE_S):
            await limiter.acquire()
    except TimeoutError:
        raise Unavailable("Other statistics are being worked out. Try again in a moment.") from None
    try:
        return await to_thread.run_sync(partial(answer, name, body.model_extra or {}))
    finally:
        limiter.release()


@cache
def _limiter() -> CapacityLimiter:
    return CapacityLimiter(AT_ONCE)


@cache
def described() -> list[dict[str, Any]]:
    """All statistics, as the list shows them."""
    known = answers()
    return [
        {
            "name": entry.name,
            "aliases": list(entry.aliases),
            "family": family,
            "purpose": entry.purpose,
            "method": entry.method,
            "source": entry.source,
            "arguments": entry.arguments.model_json_schema() | {"examples": [dict(entry.example)]},
            "example": {"request": dict(entry.example), "answer": known.get(entry.name)},
        }
        for family, entries in FAMILIES.items()
        for entry in entries
    ]
