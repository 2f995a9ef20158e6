"""The v5 routes that take logs of executions elsewhere, and what is said of them later."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import SessionDep
from app.core.permissions import LogWriter
from app.files.models import FileKind
from app.logs.records import LogRecord
from app.logs.schemas import (
    AnyLog,
    FlowLog,
    FlowLogUpdate,
    LogBatch,
    PromptLog,
    PromptLogUpdate,
    ToolLog,
    ToolLogUpdate,
)
from app.logs.service import Entry, record_logs, update_log
from app.logs.showing import show_logs

router = APIRouter(prefix="/v5")
Json = dict[str, Any]


def _log(
    session: Session, principal: Principal, said: AnyLog, version_id: str | None, environment: str | None
) -> LogRecord:
    return record_logs(session, principal, [Entry(said, version_id, environment)])[0]


@router.post("/prompts/log", tags=["Prompts"])
def log_prompt(
    body: Annotated[PromptLog, Body(default_factory=PromptLog)],
    session: SessionDep,
    principal: LogWriter,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a call of a prompt that you made yourself. Its version is the one in the query, or the one with the content in
    `prompt`, which is written if it is not there, or else the one that is deployed."""
    log = _log(session, principal, body, version_id, environment)
    return {
        "id": log.id,
        "prompt_id": log.file_id,
        "version_id": log.version_id,
        "session_id": log.session_id,
    }


@router.post("/tools/log", tags=["Tools"])
def log_tool(
    body: Annotated[ToolLog, Body(default_factory=ToolLog)],
    session: SessionDep,
    principal: LogWriter,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a call of a tool. Its version is found as a prompt's is, by the content in `tool`."""
    log = _log(session, principal, body, version_id, environment)
    return {"id": log.id, "tool_id": log.file_id, "version_id": log.version_id, "session_id": log.session_id}


@router.post("/flows/log", tags=["Flows"])
def log_flow(
    body: Annotated[FlowLog, Body(default_factory=FlowLog)],
    session: SessionDep,
    principal: LogWriter,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """Log a run through a flow: the root of a trace, under which other logs are nested by `trace_parent_id` until it is
    complete. Its version is found as a prompt's is, by the attributes in `flow`."""
    log = _log(session, principal, body, version_id, environment)
    return {
        "id": log.id,
        "flow_id": log.file_id,
        "version_id": log.version_id,
        "log_status": log.status,
        "trace_status": log.status,
        "session_id": log.session_id,
    }


@router.post("/logs/batch", tags=["Logs"])
def log_batch(body: LogBatch, session: SessionDep, principal: LogWriter) -> Json:
    """Log up to 1,000 executions at once, all or none: each is as in the routes of a single log, with its `type`
    (`prompt`, `tool` or `flow`), and may name its `version_id`. They may be nested under each other."""
    entries = [Entry(said, said.version_id) for said in body.logs]
    return {"ids": [log.id for log in record_logs(session, principal, entries)]}


@router.patch("/prompts/{file_id}/log/{log_id}", tags=["Prompts"])
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


@router.patch("/tools/{file_id}/log/{log_id}", tags=["Tools"])
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


@router.patch("/flows/logs/{log_id}", tags=["Flows"])
def update_flow_log(
    log_id: str,
    body: Annotated[FlowLogUpdate, Body(default_factory=FlowLogUpdate)],
    session: SessionDep,
    principal: LogWriter,
) -> Json:
    """Say more of a run through a flow, and that it is complete: then it has ended, and its trace takes no more logs."""
    log = update_log(session, principal, FileKind.FLOW, log_id, body)
    return show_logs(session, principal.workspace_id, [log], children=True)[0]
