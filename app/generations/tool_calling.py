"""Calling a tool by the API: which version, on what; and a log of what became of it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal
from app.core.database import unit_of_work
from app.core.errors import NotFound
from app.generations.calling import API, about_log
from app.generations.schemas import ToolCall
from app.generations.streaming import save_records
from app.logs import own_ids
from app.logs import repository as logs
from app.logs.recording import LoggedVersion, record_of
from app.logs.schemas import ToolLog
from app.logs.showing import show_logs
from app.logs.versions import logged_version, version_of
from app.tools import calls, variables
from app.tools.http_calls import HttpRequest, Outcome, names_in

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadyToolCall:
    """A call with all that the database had to say."""

    said: ToolLog
    """Its log, as far as it is known before."""
    version: LoggedVersion
    session_id: str | None
    created_by: str
    environment: str | None
    prepared: Outcome | HttpRequest


def prepare_tool_call(
    session: Session,
    principal: Principal,
    call: ToolCall,
    *,
    version_id: str | None = None,
    environment: str | None = None,
) -> ReadyToolCall:
    """Everything that a call needs before it is made. Content that came with it is written to its tool.

    Raises:
        NotFound: no such tool, version or environment.
        Invalid: nothing is named, the tool is not run here, or it cannot be with these inputs.
        Conflict: the log's id is taken, the trace that it is for is complete, or the path holds something else.
        Unavailable: a variable of the tool cannot be read with this server's secret.
    """
    given = {name: getattr(call, name) for name in call.model_fields_set - {"tool"}}
    said = ToolLog.model_validate({"source": API, "inputs": {}} | given).model_copy(
        update={"tool": call.tool}
    )
    version = version_of(session, principal, said, version_id, environment)
    about = about_log(session, principal, call)
    asks = version.spec.get("tool_type") == "get_api_call"
    secrets = variables.secrets_of(session, version.file_id, names_in(version.spec)) if asks else {}
    prepared = calls.prepare(version.spec, call.inputs, secrets)
    return ReadyToolCall(
        said, logged_version(version), about["session_id"], principal.user_id, environment, prepared
    )


async def call_and_log(ready: ReadyToolCall) -> tuple[str, Outcome]:
    """Call a tool that is ready: the id of its log, which is written by then, and what came of it. No transaction is open
    while a service answers."""
    begun = clock.now()
    outcome = await calls.run(ready.prepared, ready.version.workspace_id)
    said = ready.said.model_copy(
        update={
            "output": outcome.output,
            "error": outcome.error,
            "provider_response": outcome.response,
            "start_time": begun,
            "end_time": clock.now(),
        }
    )
    record = record_of(said, ready.version, ready.environment)
    record.session_id, record.created_by = ready.session_id, ready.created_by
    await save_records([record], [record.id] if ready.said.log_id else [])
    return record.id, outcome


def show_call(workspace_id: str, ready: ReadyToolCall, log_id: str, outcome: Outcome) -> Json:
    """A call as the API answers it: its log, with what went in and came out also where the log does not keep it.

    Raises:
        NotFound: somebody has deleted the log since.
    """
    with unit_of_work() as session:
        log = logs.find_log(session, workspace_id, log_id)
        if log is None:
            raise NotFound(f"The log {log_id} was deleted before it could be answered.")
        [shown] = show_logs(session, workspace_id, [log])
    return shown | {
        "log_id": own_ids.said_id(workspace_id, log_id),
        "inputs": ready.said.inputs,
        "output": outcome.output,
        "provider_response": outcome.response,
    }
