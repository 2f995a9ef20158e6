"""The v5 routes of prompts, but for calling them."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from fastapi import Body as OptionalBody
from fastapi.responses import PlainTextResponse
from pydantic import ConfigDict, Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor, Reader
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import shown_version, versioned_routes
from app.prompts import service
from app.prompts.spec import PromptSpec, parse_spec

router = APIRouter(prefix="/v5/prompts", tags=["Prompts"])
common = versioned_routes(FileKind.PROMPT)
Json = dict[str, Any]


class PromptUpsert(FileProperties, PromptSpec):
    """A prompt to write: where, what, and why."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/answer",
        "model": "gpt-4o",
        "provider": "openai",
        "temperature": 0.2,
        "template": [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "{{question}}"},
        ],
        "version_description": "Shorter answers",
    }


class PromptText(Body):
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "prompt": "---\nmodel: gpt-4o\ntemperature: 0.2\n---\n\n<user>\n  {{question}}\n</user>\n"
    }

    prompt: str = Field(description="The text of a .prompt file.")


class Inputs(Body):
    """The inputs themselves, by name."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"question": "Where is my card?"}

    model_config = ConfigDict(extra="allow")


@router.post("")
def upsert_prompt(body: PromptUpsert, session: SessionDep, principal: Editor) -> Json:
    """Write a prompt: the same content answers with the version that is there, new content makes one."""
    spec = parse_spec(body.model_dump(include=set(PromptSpec.model_fields), exclude_none=True))
    return present_one(session, service.write(session, principal, spec, body))


@router.post("/deserialize")
def deserialize_prompt(body: PromptText, _: Reader) -> Json:
    """The content that a .prompt file says, as it can be written to a prompt. Nothing is saved."""
    return service.read_prompt(body.prompt).model_dump(mode="json", exclude_none=True)


@router.get("/{file_id}/serialize", response_class=PlainTextResponse)
def serialize_prompt(
    file_id: str,
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    environment: str | None = None,
) -> str:
    """The .prompt file of a version, as plain text."""
    version = shown_version(session, principal, FileKind.PROMPT, file_id, version_id, environment)
    return service.raw_file_content(version)


@router.post("/{file_id}/populate")
def populate_prompt(
    file_id: str,
    body: Annotated[Inputs, OptionalBody(default_factory=Inputs)],
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    environment: str | None = None,
) -> Json:
    """A prompt with its template filled in as `populated_template`. The body is the inputs; none may be missing."""
    version = shown_version(session, principal, FileKind.PROMPT, file_id, version_id, environment)
    populated = service.populate(session, version, body.model_extra or {})
    return present_one(session, version) | {"populated_template": populated}
