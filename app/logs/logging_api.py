"""The v5 routes that take logs of executions elsewhere, and what is said of them later."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from app.core.access import Action, Principal
from app.core.database import SessionDep, unit_of_work
from app.core.parts import Reading, answer
from app.core.permissions import LogWriter, admit, api_key_of, declare
from app.core.plain_routes import PlainRoute
from app.files.models import FileKind
from app.logs.ingestion import LOGS, Logs, Sent
from app.logs.own_ids import said_id
from app.logs.records import LogRecord
from app.logs.schemas import (
    AgentLog,
    AgentLogUpdate,
    FlowLog,
    FlowLogUpdate,
    PromptLog,
    PromptLogUpdate,
    ToolLog,
    ToolLogUpdate,
)
from app.logs.searching import whole_log
from app.logs.service import Entry, update_log
from app.logs.showing import show_logs

router = APIRouter(prefix="/v5")
hot = APIRouter(prefix="/v5", route_class=PlainRoute)
"""Where logs come in all day."""
Json = dict[str, Any]
_LOGGING = [Depends(declare(Action.LOG))]


async def write(request: Request, entries: Sequence[Entry], together: Logs = LOGS) -> Sequence[LogRecord]:
    """Write logs in one go with those of other requests.

    Raises:
        Unauthenticated: no valid key.
        Forbidden: the key may not write logs.
    """
    while (written := await together.ask(Sent(api_key_of(request), entries))) is None:
        await run_in_threadpool(_admit, request)
    return written


def _admit(request: Request) -> Principal:
    with unit_of_work() as session:
        return admit(request, session, Action.LOG)


@hot.post("/prompts/log", tags=["Prompts"], dependencies=_LOGGING)
async def log_prompt(
    body: Annotated[PromptLog, Body(default_factory=PromptLog)],
    request: Request,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a call of a prompt that you made yourself. Its version is the one in the query, or the one with the content in
    `prompt`, which is written if it is not there, or else the one that is deployed."""
    [log] = await write(request, [Entry(body, version_id, environment)])
    return {
        "id": said_id(log.workspace_id, log.id),
        "prompt_id": log.file_id,
        "version_id": log.version_id,
        "session_id": log.session_id,
    }


@hot.post("/agents/log", tags=["Agents"], dependencies=_LOGGING)
async def log_agent(
    body: Annotated[AgentLog, Body(default_factory=AgentLog)],
    request: Request,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a run of an agent that you made yourself. Its version is found as a prompt's is, by the content in `agent`."""
    [log] = await write(request, [Entry(body, version_id, environment)])
    return {
        "id": said_id(log.workspace_id, log.id),
        "agent_id": log.file_id,
        "version_id": log.version_id,
        "log_status": log.status,
        "session_id": log.session_id,
    }


@hot.post("/tools/log", tags=["Tools"], dependencies=_LOGGING)
async def log_tool(
    body: Annotated[ToolLog, Body(default_factory=ToolLog)],
    request: Request,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a call of a tool. Its version is found as a prompt's is, by the content in `tool`."""
    [log] = await write(request, [Entry(body, version_id, environment)])
    return {
        "id": said_id(log.workspace_id, log.id),
        "tool_id": log.file_id,
        "version_id": log.version_id,
        "session_id": log.session_id,
    }


@hot.post("/flows/log", tags=["Flows"], dependencies=_LOGGING)
async def log_flow(
    body: Annotated[FlowLog, Body(default_factory=FlowLog)],
    request: Request,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a run through a flow: the root of a trace, under which other logs are nested by `trace_parent_id` until it is
    complete. Its version is found as a prompt's is, by the attributes in `flow`."""
    [log] = await write(request, [Entry(body, version_id, environment)])
    return {
        "id": said_id(log.workspace_id, log.id),
        "flow_id": log.file_id,
        "version_id": log.version_id,
        "log_status": log.status,
        "trace_status": log.status,
        "session_id": log.session_id,
    }


@router.patch("/prompts/{file_id}/log/{log_id:path}", tags=["Prompts"])
def update_prompt_log(
    file_id: str,
    log_id: str,
    body: Annotated[PromptLogUpdate, Body(default_factory=PromptLogUpdate)],
    session: SessionDep,
    principal: LogWriter,
) -> Json:
    """Say more of a log of a prompt: what is given takes the place of what was said."""
    log = update_log(session, principal, FileKind.PROMPT, log_id, body, file_id)
    return show_logs(session, principal.workspace_id, [log])[0]


@router.patch("/agents/{file_id}/log/{log_id:path}", tags=["Agents"], response_model=Json)
def update_agent_log(
    file_id: str,
    log_id: str,
    body: Annotated[AgentLogUpdate, Body(default_factory=AgentLogUpdate)],
    session: SessionDep,
    principal: LogWriter,
) -> Response:
    """Say more of a log of an agent: what is given takes the place of what was said."""
    log = update_log(session, principal, FileKind.AGENT, log_id, body, file_id)
    reading = Reading(session)
    return answer(reading, whole_log(reading, principal.workspace_id, log.id))


@router.patch("/tools/{file_id}/log/{log_id:path}", tags=["Tools"])
def update_tool_log(
    file_id: str,
    log_id: str,
    body: Annotated[ToolLogUpdate, Body(default_factory=ToolLogUpdate)],
    session: SessionDep,
    principal: LogWriter,
) -> Json:
    """Say more of a log of a tool: what is given takes the place of what was said."""
    log = update_log(session, principal, FileKind.TOOL, log_id, body, file_id)
    return show_logs(session, principal.workspace_id, [log])[0]


@router.patch("/flows/logs/{log_id:path}", tags=["Flows"], response_model=Json)
def update_flow_log(
    log_id: str,
    body: Annotated[FlowLogUpdate, Body(default_factory=FlowLogUpdate)],
    session: SessionDep,
    principal: LogWriter,
) -> Response:
    """Say more of a run through a flow, and that it is complete: then it has ended, and its trace takes no more logs."""
    log = update_log(session, principal, FileKind.FLOW, log_id, body)
    reading = Reading(session)
    return answer(reading, whole_log(reading, principal.workspace_id, log.id))
