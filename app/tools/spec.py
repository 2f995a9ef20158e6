"""What a tool version says: how a model calls it, what it is made of. The shape of the v5 API, checked once."""

from typing import Any, Literal

from pydantic import Field

from app.core.bodies import Body
from app.core.ids import without_nulls
from app.files.tool_shape import usual_type

ToolType = Literal[
    "pinecone_search", "google", "mock", "snippet", "json_schema", "get_api_call", "python"
]  # fmt: skip


class CallableFunction(Body):
    """A function as a model is shown it."""

    name: str = Field(min_length=1, max_length=1000)
    description: str = ""
    strict: bool | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON schema.")


class ToolSpec(Body):
    """The content of a tool version: what makes two versions differ, and nothing else."""

    function: CallableFunction | None = None
    source_code: str | None = None
    setup_values: dict[str, Any] | None = Field(None, description="What is needed to set it up.")
    attributes: dict[str, Any] | None = Field(
        None, description="Whatever else tells one version from another."
    )
    tool_type: ToolType | None = Field(
        None,
        description="When it is left out: `python` with source code, `json_schema` with a function only.",
    )

    def content(self) -> dict[str, Any]:
        """The spec as stored and hashed. Empty objects are left out, for spans cannot carry them, as is a type that
        the rest says."""
        said = without_nulls(
            self.model_dump(mode="json", include=set(ToolSpec.model_fields), exclude_none=True)
        )
        content: dict[str, Any] = {name: value for name, value in said.items() if value != {}}
        if content.get("tool_type") == usual_type(content):
            content.pop("tool_type", None)
        return content
