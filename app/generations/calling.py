"""Calling a prompt by the API: which version, on what, with which key; and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core import ids
from app.core.access import Principal
from app.core.errors import Conflict, DomainError, Invalid, NotFound, OverBudget, TooMany, Unavailable
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import FileKind, Version
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.generations import service
from app.generations.prepared import OVER_BUDGET, TOOL_FAILED, Origin, PreparedPrompt, Target
from app.generations.schemas import PromptCall, ToolCall
from app.generations.streaming import RunRequest
from app.logs import budget, own_ids, traces
from app.logs import repository as logs
from app.logs.budget import Allowance
from app.logs.records import LogRecord
from app.prompts import service as prompts
from app.prompts.spec import PromptSpec
from app.providers import callers_keys
from app.providers import service as providers

API = "api"
"""The source of a log whose caller names none."""
_RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class ReadyCall:
    """A call with all that the database had to say."""

    call: PromptCall
    prompt: Mapping[str, Any]
    """The prompt at the version that is called, as the API shows it."""
    runs: Sequence[RunRequest]
    """One for each answer that is asked for."""

    @property
    def log_ids(self) -> list[str]:
        """The ids that the logs will have, in order."""
        return [run.log["id"] for run in self.runs]


def prepare_call(
    session: Session,
    principal: Principal,
    call: PromptCall,
    *,
    version_id: str | None = None,
    environment: str | None = None,
) -> ReadyCall:
    """Everything that a call needs before a model is asked. Content that came with it is written to its prompt.

    Raises:
        NotFound: no such prompt, version, environment or provider.
        Invalid: nothing is named, inputs are missing, the template cannot be rendered, a tool that it calls
            cannot be called, or the workspace has a budget and the model no price.
        Conflict: the log's id is taken, the trace that it is for is complete, or the path holds something else.
        OverBudget: the workspace has spent its budget of this month.
    """
    allowance = budget.allowance(session, principal.workspace_id)
    if allowance:
        budget.refuse_if_spent(session, principal.workspace_id)
    version = _version_of(session, principal, call, version_id, environment)
    prompt, own_key = _prompt_of(session, version, call)
    if prompt.target.price is None:
        budget.refuse_unpriced(session, principal.workspace_id, [prompt.target.model])
    origin = origin_of(principal.workspace_id, version.file_id, version.id, call, environment)
    about = about_log(session, principal, call)
    return make_ready(
        call, prompt, origin, about, present_one(session, version), own_key=own_key, allowance=allowance
    )


def origin_of(
    workspace_id: str, file_id: str, version_id: str, call: PromptCall, environment: str | None
) -> Origin:
    """What the logs of a call say of where they came from."""
    return Origin(
        workspace_id,
        file_id,
        version_id,
        call.source or API,
        environment=call.environment or environment,
    )


def make_ready(
    call: PromptCall,
    prompt: PreparedPrompt,
    origin: Origin,
    about: Mapping[str, Any],
    shown: Mapping[str, Any],
    *,
    own_key: bool = False,
    allowance: Allowance | None = None,
) -> ReadyCall:
    """A call of a prompt, with what the caller says of its log (`about_log`) and the prompt as the API shows it.

    Raises:
        Invalid: inputs are missing, the template cannot be rendered, or a tool that it calls cannot be called.
    """
    messages = [message.model_dump(mode="json", exclude_none=True) for message in call.messages]
    parameters, answers = _parameters(call), prompt.answers(call.inputs)
    body = None if answers else {**prompt.request(call.inputs, messages), **parameters}
    runs = [
        RunRequest(
            prompt,
            origin,
            call.inputs,
            messages,
            call.source_datapoint_id,
            body=body,
            answers=answers,
            parameters=parameters,
            log={**about, "id": call.log_id if call.log_id and not number else ids.new_id("log")},
            saves=call.save,
            told=call.stream or bool(call.log_id),
            own_key=own_key,
            allowance=allowance,
        )
        for number in range(call.num_samples)
    ]
    return ReadyCall(call, shown, runs)


def _version_of(
    session: Session, principal: Principal, call: PromptCall, version_id: str | None, environment: str | None
) -> Version:
    spec = prompts.read_prompt(call.prompt) if call.prompt is not None else None
    if spec is not None and not (version_id or environment):
        return prompts.write(session, principal, spec, FileProperties(id=call.id, path=call.path))
    version = _named_version(session, principal, call, version_id, environment)
    if spec is not None and spec.content() != version.spec:
        said = f"This is not the content of {version.id}. Leave it out, or leave out the version and environment."
        raise Invalid(said, fields={"prompt": said})
    return version


def _named_version(
    session: Session, principal: Principal, call: PromptCall, version_id: str | None, environment: str | None
) -> Version:
    if call.id or call.path:
        file = (
            files.get_file(session, principal, call.id, FileKind.PROMPT)
            if call.id
            else files.get_file_by_path(session, principal, call.path or "", FileKind.PROMPT)
        )
        version = files.resolve_version(session, file, version_id=version_id, environment=environment)
        version.file = file
        return version
    if not version_id:
        said = "Say which prompt to call: its id, its path or one of its versions."
        raise Invalid(said, fields={"path": said})
    found = files_repository.find_version_anywhere(session, principal.workspace_id, version_id)
    if found is None or found.file.kind != FileKind.PROMPT:
        raise NotFound(f"There is no prompt version {version_id}.")
    return found


def _prompt_of(session: Session, version: Version, call: PromptCall) -> tuple[PreparedPrompt, bool]:
    """The version ready to be called, and whether with a key of the caller's own."""
    # Content that came with the call may name its properties in another order than the version that holds it.
    spec = (
        PromptSpec.model_validate(version.spec) if call.prompt is None else prompts.read_prompt(call.prompt)
    )
    keys = {name: key.get_secret_value() for name, key in call.provider_api_keys.items()}
    endpoint = callers_keys.endpoint_with(session, version.workspace_id, spec.provider, spec.model, keys)
    if endpoint is None:
        return service.prepare_spec(session, version.workspace_id, spec, version.file_id), False
    target = Target(endpoint, spec.model, providers.price_at(endpoint, spec.model))
    return service.prepare_for(session, version.workspace_id, spec, target, version.file_id), True


def _parameters(call: PromptCall) -> dict[str, Any]:
    """What the call itself says to the provider."""
    sent: dict[str, Any] = {}
    if call.tool_choice is not None:
        choice = call.tool_choice
        sent["tool_choice"] = choice if isinstance(choice, str) else choice.model_dump()
    if call.logprobs is not None:
        sent |= {"logprobs": True, "top_logprobs": call.logprobs}
    if call.suffix is not None:
        sent["suffix"] = call.suffix
    return sent


def about_log(session: Session, principal: Principal, call: PromptCall | ToolCall) -> dict[str, Any]:
    """What the caller says of the logs; one that is nested is in the session of the one above it.

    Raises:
        Invalid: the log would be nested under itself.
        Conflict: its id is taken, or its trace is complete: said before a model or a service is asked.
    """
    said = [one for one in (call.log_id, call.trace_parent_id) if one]
    stored = own_ids.find_stored(session, principal.workspace_id, said)
    if call.log_id:
        if logs.known_ids(session, [stored[call.log_id]]):
            raise Conflict(f"There is a log with the id {call.log_id} already. Choose another one.")
        call.log_id = stored[call.log_id]
    parent_id = stored[call.trace_parent_id] if call.trace_parent_id else None
    traces.check_parent(session, principal.workspace_id, parent_id, call.log_id)
    parent = logs.find_log(session, principal.workspace_id, parent_id) if parent_id else None
    return {
        "user": call.user,
        "metadata": call.metadata,
        "status": call.log_status or "complete",
        "session_id": call.session_id or (parent.session_id if parent else None),
        "parent_id": parent_id,
        "created_by": principal.user_id,
    }


def failure_of(record: LogRecord) -> DomainError | None:
    """What is answered where this log is of a call that failed: in the provider's words, never as a refusal of ours."""
    if record.error is None:
        return None
    said = record.provider_response or {}
    not_asked, code = record.attempts == 0, said.get("code")
    if not_asked and code == OVER_BUDGET:
        return OverBudget(record.error)
    if not_asked and code != TOOL_FAILED:
        return Invalid(record.error)  # found out only when the tools had answered
    tool_failed = not_asked
    status = said.get("status")
    if status == 429:
        failure: DomainError = TooMany(record.error, retry_after_s=_RETRY_AFTER_S)
    elif status is None or status >= 500 or status == 408:
        failure = Unavailable(record.error)
    else:
        failure = DomainError(record.error)
    failure.detail = {
        "type": "tool_error" if tool_failed else "provider_error",
        "message": record.error,
        "code": said.get("code") or (str(status) if status else None),
        "origin": None if tool_failed else record.provider,
        "log_id": own_ids.said_id(record.workspace_id, record.id),
    }
    return failure
