"""What callers of the API log: the members that all logs have, and those of each kind of file."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AliasChoices, Field

from app.core import clock
from app.core.bodies import Body
from app.flows.spec import FlowSpec
from app.prompts.agents import AgentSpec
from app.prompts.spec import PromptSpec
from app.tools.spec import ToolSpec

_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


def _known_moment(moment: datetime) -> datetime:
    """In UTC, which is meant where no zone is given."""
    try:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        moment = datetime.max.replace(tzinfo=UTC)
    if not _FIRST_MOMENT <= moment < clock.LAST_MOMENT:
        raise ValueError("This is no moment between 1970 and 9000.")
    return moment


def _has_role(message: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(message.get("role"), str):
        raise ValueError("A message has a `role`: user, assistant, system, tool or developer.")  # noqa: TRY004 - becomes a message
    return message


def _can_stand_in_a_url(said: str) -> str:
    if {".", ".."} & set(said.split("/")):
        raise ValueError(
            "An id may hold `/` and dots, but no part of it may be `.` or `..`: URLs cannot carry these."
        )
    return said


OwnId = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra={"not": {"pattern": r"(^|/)\.\.?(/|$)"}}),
    AfterValidator(_can_stand_in_a_url),
]
"""Of a log or a judgment, chosen by the caller, who asks for it by this id later."""
Moment = Annotated[datetime, AfterValidator(_known_moment)]
Message = Annotated[dict[str, Any], AfterValidator(_has_role)]
"""As the provider has it: what it holds beside a role and content is kept."""
Status = Literal["complete", "incomplete"]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Usd = Annotated[float, Field(ge=0, lt=1e8, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, lt=1e9, allow_inf_nan=False)]


class Execution(Body):
    """What is said of one execution. All of it can be said or changed later."""

    start_time: Moment | None = None
    end_time: Moment | None = None
    created_at: Moment | None = Field(None, description="When it took place; now, if it is left out.")
    inputs: dict[str, Any] | None = None
    output: str | None = None
    error: str | None = Field(None, description="What went wrong, if something did.")
    stdout: str | None = Field(None, description="What the code printed.")
    provider_latency: Seconds | None = Field(
        None, description="In seconds; from start to end, if it is left out."
    )
    provider_request: dict[str, Any] | None = None
    provider_response: dict[str, Any] | None = None
    source: str | None = Field(None, max_length=500)
    metadata: dict[str, Any] | None = None
    log_status: Status | None = Field(
        None, description="`incomplete` if more will be said: evaluators wait until it is `complete`."
    )


class Conversation(Execution):
    """An execution that takes messages and answers with one."""

    messages: list[Message] | None = None
    output_message: Message | None = Field(
        None, description="Its text is the output, if `output` is left out."
    )


class ModelExecution(Conversation):
    """An execution of a prompt."""

    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    finish_reason: str | None = Field(None, max_length=500)
    prompt_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    prompt_cost: Usd | None = Field(None, description="In US dollars.")
    output_cost: Usd | None = None


class Belonging(Body):
    """What a log belongs to, beside its file."""

    trace_parent_id: Name | None = Field(
        None,
        description="The log that it is nested under. That one may arrive later, if you chose its id.",
    )
    session_id: Name | None = None
    user: str | None = Field(None, max_length=1000, description="Who used your application.")
    environment: Name | None = Field(None, description="Where your application runs.")
    source_datapoint_id: Name | None = Field(None, description="The row of a dataset that was its input.")
    run_id: Name | None = Field(None, description="The run that it belongs to.")


class Placing(Belonging):
    """Where a log belongs: which file, which trace, whose."""

    id: Name | None = Field(None, description="Of the file.")
    path: str | None = Field(None, description="Of the file.")
    log_id: OwnId | None = Field(
        None,
        description="An id of your own for the log, so that it can be sent again when no answer came. One that is taken "
        "by a log that says something else is refused: 409.",
    )
    save: bool | None = Field(
        None, description="False: inputs, messages, outputs, requests and what was printed are not kept."
    )


class PromptLog(Placing, ModelExecution):
    """An execution of a prompt, of the version with this content or one named by the query."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/answer",
        "prompt": {"model": "gpt-4o", "template": [{"role": "user", "content": "{{question}}"}]},
        "inputs": {"question": "Where is my card?"},
        "output": "It is on its way.",
        "prompt_tokens": 12,
        "output_tokens": 6,
    }

    prompt: PromptSpec | str | None = Field(
        None, description="The prompt's content, or the text of a .prompt file."
    )


class AgentLog(Placing, ModelExecution):
    """A run of an agent, of the version with this content or one named by the query."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/agent",
        "agent": {"model": "gpt-4o", "template": [{"role": "user", "content": "{{question}}"}]},
        "inputs": {"question": "Where is my card?"},
        "output": "It is on its way.",
    }

    agent: AgentSpec | str | None = Field(
        None, description="The agent's content, or the text of an .agent file."
    )


class ToolLog(Placing, Execution):
    """A call of a tool."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/find_card",
        "tool": {"function": {"name": "find_card"}},
        "inputs": {"customer": "customer-17"},
        "output": "card_9",
    }

    tool: ToolSpec | None = None


class FlowLog(Placing, Conversation):
    """A run through a flow, which is the root of a trace. It is `incomplete` unless you say otherwise."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/assistant",
        "flow": {"attributes": {"commit": "4f1c9a2"}},
        "inputs": {"question": "Where is my card?"},
        "log_status": "incomplete",
    }

    flow: FlowSpec | None = None
    log_status: Status | None = Field(
        None,
        validation_alias=AliasChoices("log_status", "trace_status"),  # the second is older clients' word
        description="A trace that is `complete` takes no more logs.",
    )


class FlowLogUpdate(Body):
    """What is said later of a run through a flow."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"output": "It is on its way.", "log_status": "complete"}

    messages: list[Message] | None = None
    output_message: Message | None = None
    inputs: dict[str, Any] | None = None
    output: str | None = None
    error: str | None = None
    start_time: Moment | None = None
    end_time: Moment | None = Field(None, description="Now, if it is left out when the log is complete.")
    log_status: Status | None = Field(None, validation_alias=AliasChoices("log_status", "trace_status"))


class PromptLogUpdate(Belonging, ModelExecution):
    """What is said later of an execution of a prompt."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"output": "It is on its way.", "log_status": "complete"}


class AgentLogUpdate(Belonging, ModelExecution):
    """What is said later of a run of an agent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"output": "It is on its way.", "log_status": "complete"}


class ToolLogUpdate(Belonging, Execution):
    """What is said later of a call of a tool."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"output": "card_9", "log_status": "complete"}


class _InBatch(Body):
    version_id: Name | None = Field(None, description="As in the query of a single log.")


class PromptLogInBatch(_InBatch, PromptLog):
    type: Literal["prompt"]


class AgentLogInBatch(_InBatch, AgentLog):
    type: Literal["agent"]


class ToolLogInBatch(_InBatch, ToolLog):
    type: Literal["tool"]


class FlowLogInBatch(_InBatch, FlowLog):
    type: Literal["flow"]


MOST_IN_BATCH = 1_000
LogInBatch = Annotated[
    PromptLogInBatch | AgentLogInBatch | ToolLogInBatch | FlowLogInBatch, Field(discriminator="type")
]


AnyLog = PromptLog | AgentLog | ToolLog | FlowLog
AnyUpdate = PromptLogUpdate | AgentLogUpdate | ToolLogUpdate | FlowLogUpdate
