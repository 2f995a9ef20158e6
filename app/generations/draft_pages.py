"""The pages of a draft: keeping it while somebody types, what differs, and its history."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.permissions import Editor
from app.generations import drafts, editing, keeping
from app.generations.draft_differences import DRAFT, compare, find_side, list_history
from app.generations.drafts import Desk
from app.generations.editing import NEW
from app.generations.editor_form import SentForm
from app.generations.editor_view import show_editor
from app.prompts.changes import shortened, whole

router = APIRouter(prefix="/w/{w}/prompts", include_in_schema=False)
_MOST_LINES = 2_000
Named = Annotated[str, Query(max_length=100)]


@router.patch("/{file_id}/draft", name="generations:autosave")
def autosave(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Keep what is typed, as the page's script sends it; what changes on the page is when it was saved."""
    desk = keeping.find_desk(session, principal, file_id, sent.chosen.base)
    row = editing.find_row(session, principal, sent.chosen)
    kept, refused = keeping.keep_form(session, desk, sent.draft, sent.chosen, row, sent.mark)
    said = keeping.say(session, principal, desk, sent.mark, kept, refused=refused)
    return templating.render(
        request,
        "generations/draft_saved.html",
        status=409 if kept.lost else 422 if refused else 200,
        keeping=said,
        number=desk.place.number,
        base=_base(principal, file_id),
    )


@router.post("/{file_id}/draft", name="generations:save-draft")
def save_draft(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Keep what is typed, where the page has no script."""
    desk = keeping.find_desk(session, principal, file_id, sent.chosen.base)
    row = editing.find_row(session, principal, sent.chosen)
    kept, refused = keeping.keep_form(session, desk, sent.draft, sent.chosen, row, sent.mark)
    if not kept.lost and not refused:
        return RedirectResponse(editor_at(principal, file_id, desk), 303)
    bench = editing.open_workbench(session, principal, file_id, sent.chosen, sent.draft)
    said = keeping.say(session, principal, desk, sent.mark, kept, refused=refused)
    return show_editor(request, bench, sent.draft, keeping=said)


@router.get("/{file_id}/draft/diff", name="generations:draft-diff")
def show_difference(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    before: Annotated[str, Query(alias="from", max_length=100)] = "",
    to: Named = DRAFT,
    base: int | None = None,
) -> Response:
    """What differs between two of: a version, the draft, a state of its history."""
    desk = keeping.find_desk(session, principal, file_id, base)
    sides = [find_side(session, desk, name) for name in (before or f"v{desk.place.number}", to or DRAFT)]
    return templating.render(
        request,
        "generations/draft_diff.html",
        desk=desk,
        file=keeping.find_file(session, principal, file_id),
        file_id=file_id,
        sides=sides,
        changes=compare(*sides),
        shown=lambda rows: shortened(whole(rows) if len(rows) < 3 else rows, _MOST_LINES),
    )


@router.get("/{file_id}/draft/history", name="generations:draft-history")
def show_history(
    file_id: str, request: Request, session: SessionDep, principal: Editor, base: int | None = None
) -> Response:
    """What the principal's draft said before, with what each state changed."""
    desk = keeping.find_desk(session, principal, file_id, base)
    return templating.render(
        request,
        "generations/draft_history.html",
        desk=desk,
        file=keeping.find_file(session, principal, file_id),
        file_id=file_id,
        drafts=drafts.list_drafts(session, principal, desk.place.file_id),
        states=list_history(session, desk),
    )


@router.post("/{file_id}/draft/history/{state_id}", name="generations:restore-draft")
def restore(file_id: str, state_id: str, session: SessionDep, principal: Editor) -> Response:
    """Make a state the draft again; what the draft says now stays in the history."""
    desk = keeping.find_desk(session, principal, file_id, None)
    there = keeping.restore(session, desk, state_id)
    return RedirectResponse(editor_at(principal, file_id, there), 303)


def _base(principal: Principal, file_id: str) -> str:
    return f"/w/{principal.workspace_slug}/prompts/{file_id}"


def editor_at(principal: Principal, file_id: str, desk: Desk) -> str:
    """Where the editor shows the draft that lies there."""
    if file_id == NEW:
        return f"/w/{principal.workspace_slug}/prompts/new"
    number = f"?base={desk.place.number}" if desk.place.number else ""
    return f"{_base(principal, file_id)}/edit{number}"
