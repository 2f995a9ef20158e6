"""The v5 routes of tools."""

from typing import Any, ClassVar

from fastapi import APIRouter

from app.core.database import SessionDep
from app.core.permissions import Editor
from app.files import service as files
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import versioned_routes
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
def upsert_tool(body: ToolUpsert, session: SessionDep, principal: Editor) -> dict[str, Any]:
    """Write a tool: the same content answers with the version that is there, new content makes one."""
    return present_one(session, files.upsert(session, principal, FileKind.TOOL, body.content(), body))
