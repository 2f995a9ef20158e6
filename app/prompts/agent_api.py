"""The v5 routes of agents: their files and versions. They are logged by `logs`, and not called here."""

from typing import Any, ClassVar

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor, Reader
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import shown_version, versioned_routes
from app.prompts import service
from app.prompts.agents import AgentSpec
from app.prompts.spec import parse_as

router = APIRouter(prefix="/v5/agents", tags=["Agents"])
common = versioned_routes(FileKind.AGENT)
Json = dict[str, Any]


class AgentUpsert(FileProperties, AgentSpec):
    """An agent to write: where, what, and why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/agent",
        "model": "gpt-4o",
        "provider": "openai",
        "template": [{"role": "system", "content": "Help with cards."}],
        "tools": [
            {
                "type": "inline",
                "json_schema": {
                    "name": "find_card",
                    "description": "Finds a customer's card.",
                    "parameters": {"type": "object", "properties": {"customer": {"type": "string"}}},
                },
                "on_agent_call": "continue",
            }
        ],
        "max_iterations": 5,
    }


class AgentText(Body):
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "agent": "---\nmodel: gpt-4o\nmax_iterations: 5\n---\n\n<system>\n  Help with cards.\n</system>\n"
    }

    agent: str = Field(description="The text of an .agent file.")


@router.post("")
def upsert_agent(body: AgentUpsert, session: SessionDep, principal: Editor) -> Json:
    """Write an agent: the same content answers with the version that is there, new content makes one."""
    spec = parse_as(AgentSpec, body.model_dump(include=set(AgentSpec.model_fields), exclude_none=True))
    return present_one(session, service.write(session, principal, spec, body))


@router.post("/deserialize")
def deserialize_agent(body: AgentText, _: Reader) -> Json:
    """The content that an .agent file says, as it can be written to an agent. Nothing is saved."""
    return service.read_agent(body.agent).model_dump(mode="json", exclude_none=True)


@router.get("/{file_id}/serialize", response_class=PlainTextResponse)
def serialize_agent(
    file_id: str,
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    environment: str | None = None,
) -> str:
    """The .agent file of a version, as plain text."""
    version = shown_version(session, principal, FileKind.AGENT, file_id, version_id, environment)
    return service.raw_file_content(version)
