"""What an agent version says: as a prompt, with tools that are described or are files, and how often it may go on."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from app.core.bodies import Body
from app.prompts.spec import ModelSpec, ToolFunction

OnCall = Literal["stop", "continue"]


class InlineTool(Body):
    """A tool that is described here."""

    type: Literal["inline"]
    json_schema: ToolFunction
    on_agent_call: OnCall | None = Field(
        default=None, description="Whether the agent stops for the caller to answer, or goes on by itself."
    )


class FileLink(Body):
    """A file that is used as a tool: what runs in the default environment, unless a version or environment is named."""

    file_id: str
    version_id: str | None = None
    environment_id: str | None = None


class LinkedFile(Body):
    """A tool that is a file of the workspace."""

    type: Literal["file"]
    link: FileLink
    on_agent_call: OnCall | None = None


class AgentSpec(ModelSpec):
    """The content of an agent version."""

    tools: list[Annotated[InlineTool | LinkedFile, Field(discriminator="type")]] | None = None
    max_iterations: int | None = Field(
        default=None, ge=1, lt=2**31, description="How often its model is asked at most."
    )

    @property
    def functions(self) -> Sequence[ToolFunction]:
        """The tools that the model is told of; files are not among them."""
        return [tool.json_schema for tool in self.tools or () if isinstance(tool, InlineTool)]
