"""The v5 routes of tools, but for calling them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Body, Path

from app.core.database import SessionDep
from app.core.permissions import Editor, Manager, Reader
from app.files import service as files
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import versioned_routes
from app.tools import variables
from app.tools.http_calls import check_setup
from app.tools.schemas import VariableGiven
from app.tools.spec import ToolSpec

router = APIRouter(prefix="/v5/tools", tags=["Tools"])
common = versioned_routes(FileKind.TOOL)


class ToolUpsert(FileProperties, ToolSpec):
    """A tool to write: where, what, and why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/find_card",
        "function": {
            "name": "find_card",
            "description": "Finds a customer's card.",
            "parameters": {"type": "object", "properties": {"customer": {"type": "string"}}},
        },
    }


@router.post("")
def upsert_tool(
    body: Annotated[ToolUpsert, Body(default_factory=ToolUpsert)], session: SessionDep, principal: Editor
) -> dict[str, Any]:
    """Write a tool: the same content answers with the version that is there, new content makes one."""
    content = body.content()
    if content.get("tool_type") == "get_api_call":
        check_setup(content)
    return present_one(session, files.upsert(session, principal, FileKind.TOOL, content, body))


@router.get("/{file_id}/environment-variables")
def list_tool_variables(file_id: str, session: SessionDep, principal: Reader) -> list[dict[str, str | None]]:
    """The variables of a tool by name, and the `origin` that each is sent to. Values are never shown: each is empty."""
    file = files.get_file(session, principal, file_id, FileKind.TOOL)
    return _shown(variables.list_origins(session, file))


@router.post("/{file_id}/environment-variables")
def set_tool_variables(
    file_id: str,
    body: Annotated[list[VariableGiven], Body(max_length=variables.MOST)],
    session: SessionDep,
    principal: Manager,
) -> list[dict[str, str | None]]:
    """Give a tool secrets that its setup names as `{{NAME}}`, each in place of the one with its name. They are kept
    encrypted, and sent only to the host that the version asks which answers now."""
    file = files.get_file(session, principal, file_id, FileKind.TOOL)
    variables.set_variables(session, principal, file, body)
    return _shown(variables.list_origins(session, file))


@router.delete("/{file_id}/environment-variables/{name}")
def remove_tool_variable(
    file_id: str,
    name: Annotated[str, Path(description="Of the variable.")],
    session: SessionDep,
    principal: Manager,
) -> list[dict[str, str | None]]:
    """Take a variable of a tool away: those that are left."""
    file = files.get_file(session, principal, file_id, FileKind.TOOL)
    variables.remove_variable(session, principal, file, name)
    return _shown(variables.list_origins(session, file))


def _shown(origins: Mapping[str, str | None]) -> list[dict[str, str | None]]:
    """In the clients' shape, which has a value; and where it may be sent."""
    return [{"name": name, "value": "", "origin": origin} for name, origin in origins.items()]
