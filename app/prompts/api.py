"""The v5 routes of prompts."""

from typing import Any

from fastapi import APIRouter

from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.permissions import Editor
from app.files import service as files
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import versioned_routes
from app.prompts.spec import PromptSpec, check_template, parse_spec

router = APIRouter(prefix="/v5/prompts", tags=["Prompts"])
common = versioned_routes(FileKind.PROMPT)


class PromptUpsert(FileProperties, PromptSpec):
    """A prompt to write: where, what, and why."""


@router.post("")
def upsert_prompt(body: PromptUpsert, session: SessionDep, principal: Editor) -> dict[str, Any]:
    """Write a prompt: the same content answers with the version that is there, new content makes one."""
    spec = parse_spec(body.model_dump(include=set(PromptSpec.model_fields), exclude_none=True))
    if spec.linked_tools:
        raise Invalid("Tools are given inline here: use `tools`.", fields={"linked_tools": "Use `tools`."})
    check_template(spec)
    change = files.Commit(
        kind=FileKind.PROMPT,
        spec=spec.content(),
        file_id=body.id,
        path=body.path,
        name=body.version_name,
        note=body.note,
    )
    committed = files.commit(session, principal, change)
    files.describe_file(committed.file, description=body.description, tags=body.tags, readme=body.readme)
    committed.version.file = committed.file
    return present_one(session, committed.version)
