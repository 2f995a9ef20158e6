"""What a caller of a prompt or a tool sends."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SecretStr

from app.core.bodies import Body
from app.logs.schemas import OwnId, Placing, Status
from app.prompts.spec import ChatMessage, PromptSpec
from app.tools.spec import ToolSpec

MOST_SAMPLES = 100
Name = Annotated[str, Field(min_length=1, max_length=500)]


def _without_nulls(value: object) -> object:
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


class ToolName(Body):
    name: str


class ChosenTool(Body):
    """One tool that the model has to call."""

    type: Literal["function"] = "function"
    function: ToolName


class PromptCall(Body):
    """A call of a prompt: which one, on what, and what its log says besides."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/answer",
        "inputs": {"question": "Where is my card?"},
        "user": "customer-17",
    }

    id: Name | None = Field(None, description="Of the prompt.")
    path: str | None = Field(None, description="Of the prompt.")
    prompt: PromptSpec | str | None = Field(
        None,
        description="Content to call, or the text of a .prompt file: it is written to the prompt first.",
    )
    inputs: dict[str, Any] = Field(default_factory=dict, description="What fills in the template.")
    messages: list[ChatMessage] = Field(
        default_factory=list, description="What follows after the template: the conversation so far."
    )
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    num_samples: int = Field(1, ge=1, le=MOST_SAMPLES, description="How many answers to ask for.")
    logprobs: int | None = Field(
        None, ge=0, le=20, description="How many likely tokens to tell for each place."
    )
    suffix: str | None = Field(None, description="What comes after the answer, for models that fill in.")
    stream: bool = Field(False, description="Answer piece by piece, as server-sent events.")
    return_inputs: bool = Field(True, description="Whether the answer repeats the inputs.")
    provider_api_keys: Annotated[dict[str, SecretStr], BeforeValidator(_without_nulls)] = Field(
        default_factory=dict,
        description="Keys to call with, by provider, in place of stored ones. Never kept.",
    )
    source: str | None = Field(None, max_length=500)
    metadata: dict[str, Any] | None = None
    user: str | None = Field(None, max_length=1000, description="Who used your application.")
    environment: Name | None = Field(None, description="Where your application runs.")
    session_id: Name | None = None
    trace_parent_id: Name | None = Field(None, description="The log that this one is nested under.")
    source_datapoint_id: Name | None = Field(None, description="The row of a dataset that the inputs are.")
    log_id: OwnId | None = Field(
        None, description="An id of your own for the log. One that is taken is refused: 409."
    )
    log_status: Literal["complete", "incomplete"] | None = None
    save: bool = Field(True, description="False: inputs, messages and outputs are not kept.")


class ToolCall(Placing):
    """A call of a tool: which one, on what, and what its log says besides."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/opening_hours",
        "inputs": {"city": "Berlin"},
        "user": "customer-17",
    }

    tool: ToolSpec | None = Field(None, description="Content to call: it is written to the tool first.")
    inputs: dict[str, Any] = Field(
        default_factory=dict, description="What the tool is called with; of a snippet, its `key`."
    )
    source: str | None = Field(None, max_length=500)
    metadata: dict[str, Any] | None = None
    log_status: Status | None = None
