"""The v5 route that calls a tool."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.concurrency import run_in_threadpool

from app.core.database import SessionDep
from app.core.permissions import Runner
from app.generations.schemas import ToolCall
from app.generations.tool_calling import ReadyToolCall, call_and_log, prepare_tool_call, show_call

router = APIRouter(prefix="/v5/tools", tags=["Tools"])


@router.post("/call")
async def call_tool(
    body: Annotated[ToolCall, Body(default_factory=ToolCall)],
    session: SessionDep,
    principal: Runner,
    version_id: str | None = None,
    environment: str | None = None,
) -> dict[str, Any]:
    """Call a tool of the type `snippet`, `json_schema` or `get_api_call`, and log it. Others are yours to run: 422.

    Where the tool failed, `error` says why, and there is no output; the status is 200 all the same.
    """

    def prepare() -> ReadyToolCall:
        ready = prepare_tool_call(session, principal, body, version_id=version_id, environment=environment)
        session.commit()  # gives the connection back while a service answers
        return ready

    ready = await run_in_threadpool(prepare)
    log_id, outcome = await call_and_log(ready)
    return await run_in_threadpool(show_call, principal.workspace_id, ready, log_id, outcome)
