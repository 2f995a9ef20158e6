"""What a prompt version says: model, parameters, template, tools. The shape of the v5 API, checked once."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from app.core.bodies import Body
from app.core.errors import Invalid
from app.core.ids import without_nulls
from app.core.jinja_template import JinjaTemplate

Role = Literal["user", "assistant", "system", "tool", "developer"]
Endpoint = Literal["chat", "complete", "edit"]
_EMPTY_IS_ABSENT = ("stop", "tools", "linked_tools", "other", "attributes")
"""Settings of which an empty one says as little as none: files and clients write `tools: []` where there are none."""
RESERVED = ("model", "messages", "stream", "stream_options", "n")
"""Members of a request that `other` may not set: they say which model answers, what it is asked, and how we read it."""


class FunctionCall(Body):
    name: str
    arguments: str | None = None


class ToolCall(Body):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ImageUrl(Body):
    url: str
    detail: Literal["high", "low", "auto"] | None = None


class ContentPart(Body):
    """A piece of a message: text or an image."""

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: ImageUrl | None = None


class ChatMessage(Body):
    """A message of a template or a conversation. `name: "example"` marks a few-shot example."""

    role: Role
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[ToolCall] | None = None
    thinking: list[dict[str, Any]] | None = None


class ToolFunction(Body):
    """A tool that the model may call, described by a JSON schema."""

    name: str
    description: str = ""
    strict: bool | None = None
    parameters: dict[str, Any] | None = None


class ResponseFormat(Body):
    type: Literal["json_object", "json_schema", "text"]
    json_schema: dict[str, Any] | None = None


def _whole(value: object) -> object:
    """-1 (as many as fit) and absent are the same to us."""
    return None if value == -1 else value


class ModelSpec(Body):
    """What prompts and agents have in common: a model, its parameters, and what it is asked."""

    model: str = Field(min_length=1, description="The model's name, as its provider spells it.")
    endpoint: Endpoint | None = "chat"
    template: list[ChatMessage] | str | None = None
    template_language: Literal["default", "jinja"] | None = None
    provider: str | None = Field(default=None, description="The name of one of the workspace's providers.")
    max_tokens: Annotated[int | None, BeforeValidator(_whole)] = Field(default=None, ge=1, lt=2**31)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: str | list[str] | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    other: dict[str, Any] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    response_format: ResponseFormat | None = None
    reasoning_effort: (
        Literal["high", "medium", "low", "minimal", "none"] | Annotated[int, Field(ge=0, lt=2**31)] | None
    ) = None
    attributes: dict[str, Any] | None = None

    @field_validator("other")
    @classmethod
    def _nothing_of_ours(cls, other: dict[str, Any] | None) -> dict[str, Any] | None:
        if taken := [name for name in RESERVED if name in (other or {})]:
            msg = f"Leave out {', '.join(taken)}: the version and the server set that, and what is logged would differ."
            raise ValueError(msg)
        return other

    def content(self) -> dict[str, Any]:
        """The spec as stored and hashed: absent members left out, defaults of the API and empty settings too."""
        content = without_nulls(self.model_dump(mode="json", exclude_none=True))
        for key in _EMPTY_IS_ABSENT:
            if key in content and not content[key]:
                del content[key]
        defaults = {"endpoint": "chat", "template_language": "default"}
        return {key: value for key, value in content.items() if defaults.get(key) != value}

    @property
    def functions(self) -> Sequence[ToolFunction]:
        """The tools that the model is told of."""
        return ()

    @property
    def parameters(self) -> dict[str, Any]:
        """What goes to the provider beside model and messages."""
        names = (
            "max_tokens",
            "temperature",
            "top_p",
            "stop",
            "presence_penalty",
            "frequency_penalty",
            "seed",
        )
        sent = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.reasoning_effort is not None:
            sent["reasoning_effort"] = self.reasoning_effort
        if self.response_format:
            sent["response_format"] = self.response_format.model_dump(exclude_none=True)
        if self.functions:
            sent["tools"] = [
                {"type": "function", "function": tool.model_dump(exclude_none=True)}
                for tool in self.functions
            ]
        return sent | (self.other or {})


class PromptSpec(ModelSpec):
    """The content of a prompt version: what makes two versions differ, and nothing else."""

    tools: list[ToolFunction] | None = None
    linked_tools: list[str] | None = None

    @property
    def functions(self) -> Sequence[ToolFunction]:
        """The tools that the model is told of."""
        return self.tools or ()


def check_template(spec: ModelSpec) -> None:
    """Refuse a template that could never be rendered.

    Raises:
        Invalid: with the line of the template.
    """
    if spec.template_language == "jinja" and spec.template:
        template = spec.template
        JinjaTemplate(
            template if isinstance(template, str) else [m.model_dump(exclude_none=True) for m in template]
        ).check()


def parse_spec(data: object) -> PromptSpec:
    """A prompt's content from what a form or file said.

    Raises:
        Invalid: names each field that is wrong.
    """
    return parse_as(PromptSpec, data)


Spec = TypeVar("Spec", bound=ModelSpec)


def parse_as(kind: type[Spec], data: object) -> Spec:
    """As `parse_spec`, for any kind of content.

    Raises:
        Invalid: names each field that is wrong.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        fields = {".".join(str(part) for part in item["loc"]): item["msg"] for item in error.errors()}
        raise Invalid("; ".join(f"{name}: {text}" for name, text in fields.items()), fields=fields) from error
