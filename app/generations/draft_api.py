"""The v5 routes of drafts: those of the key's maker, as the editor keeps them."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.permissions import Editor
from app.files import repository as files_repository
from app.generations import drafts, keeping
from app.generations.draft import draft_of
from app.generations.draft_content import stored
from app.generations.draft_differences import list_history
from app.generations.draft_presentation import present_draft, present_state
from app.generations.drafts import Desk, Mark, on
from app.prompts.spec import PromptSpec

router = APIRouter(prefix="/v5/prompts", tags=["Prompts"])
Json = dict[str, Any]
Base = Annotated[
    str | None,
    Query(description="The id of the version that the draft began on; the newest, if it is left out."),
]


class DraftGiven(Body):
    """What a draft is to say."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "content": {
            "model": "gpt-4o",
            "provider": "openai",
            "template": [{"role": "user", "content": "{{question}}"}],
        }
    }

    content: PromptSpec
    path: str = Field("", max_length=1000, description="Where a prompt that is not saved yet is to lie.")
    revision: str | None = Field(
        None,
        max_length=100,
        description="The saving that you have seen last: where somebody has saved since, nothing is changed. "
        "Without it the draft is replaced; what it said stays in its history.",
    )


@router.get("/{file_id}/draft")
def get_prompt_draft(
    file_id: str, session: SessionDep, principal: Editor, base_version_id: Base = None
) -> Json:
    """What the key's maker has typed in the editor and not committed; the one touched last, if no version is named. A draft
    may say what is no valid version yet: `problems` tells why. `new` in the place of an id is a prompt that is not saved yet."""
    if base_version_id is None:
        file = keeping.find_file(session, principal, file_id)
        found = drafts.list_drafts(session, principal, file.id if file else None)
        if not found:
            raise NotFound("You have no draft of this: nothing is typed that is not committed.")
        desk = keeping.find_desk(session, principal, file_id, found[0].base_number)
        return present_draft(found[0], desk)
    desk = _desk(session, principal, file_id, base_version_id)
    return present_draft(drafts.get_draft(session, desk), desk)


@router.put("/{file_id}/draft")
def save_prompt_draft(
    file_id: str, body: DraftGiven, session: SessionDep, principal: Editor, base_version_id: Base = None
) -> Json:
    """Put content into the draft of the key's maker, as if they had typed it. What it said before stays in its history."""
    desk = _desk(session, principal, file_id, base_version_id)
    content = stored(draft_of(body.content.content(), body.path))
    return present_draft(drafts.replace_with(session, desk, content, Mark(), revision=body.revision), desk)


@router.delete("/{file_id}/draft", status_code=204)
def discard_prompt_draft(
    file_id: str, session: SessionDep, principal: Editor, base_version_id: Base = None
) -> Response:
    """Take the draft away. It stays in its history, from which it can be restored."""
    desk = _desk(session, principal, file_id, base_version_id)
    drafts.get_draft(session, desk)
    drafts.discard(session, desk)
    return Response(status_code=204)


@router.get("/{file_id}/draft/history")
def list_prompt_draft_history(
    file_id: str,
    session: SessionDep,
    principal: Editor,
    state_id: Annotated[
        str | None, Query(description="Only this state, and what it says: `path`, `content`, `problems`.")
    ] = None,
) -> Json:
    """What the drafts of the key's maker said before, on whatever version, newest first: at most 20 states
    of typing, and 20 of what was discarded, replaced or typed in another tab."""
    desk = keeping.find_desk(session, principal, file_id, None)
    if state_id is not None:
        return {"records": [present_state(drafts.get_state(session, desk, state_id), desk, whole=True)]}
    return {"records": [present_state(state, desk) for state in list_history(session, desk)]}


@router.post("/{file_id}/draft/history/{state_id}/restore")
def restore_prompt_draft_state(file_id: str, state_id: str, session: SessionDep, principal: Editor) -> Json:
    """Make a state the draft again; what the draft says now stays in the history."""
    desk = keeping.find_desk(session, principal, file_id, None)
    there = keeping.restore(session, desk, state_id)
    return present_draft(drafts.get_draft(session, there), there)


def _desk(session: Session, principal: Principal, file_id: str, base_version_id: str | None) -> Desk:
    desk = keeping.find_desk(session, principal, file_id, None)
    if base_version_id is None:
        return desk
    file_id_there = desk.place.file_id
    base = files_repository.find_version(session, file_id_there, base_version_id) if file_id_there else None
    if base is None:
        raise NotFound(f"The prompt has no version {base_version_id:.80}.")
    return on(desk, base)
