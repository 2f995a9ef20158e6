"""The pages of a draft of a dataset: cells as they are edited, many rows at once, and the commit."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Invalid
from app.core.permissions import Editor
from app.datasets import draft_repository, drafts, grid, pasting
from app.datasets.cells import place_of, seen, shown, text_of, typed, typed_anew, value_at
from app.datasets.draft_commit import DraftCommit, commit, newer_version, rebase
from app.datasets.draft_commit_repository import count_merged
from app.datasets.draft_form import SentForm, query_of
from app.datasets.draft_repository import DraftRow, Filter
from app.datasets.drafts import BulkAction, CellTaken, RowEdit
from app.datasets.first_row import first_row
from app.datasets.grid import Shown
from app.datasets.rows import Split
from app.datasets.schemas import DatapointContent
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind

router = APIRouter(prefix="/w/{w}/datasets", include_in_schema=False)
_MOST_REVIEWED = 50
"""Changes that the commit shows; the grid has the rest."""
_LAST_PAGE = 1_000_000


def _file(session: Session, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.DATASET)


def _at(principal: Principal, file: File, rest: str = "") -> str:
    return f"/w/{principal.workspace_slug}/datasets/{file.id}{rest}"


def _rows(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    asked: Shown,
    problem: str = "",
    first: Mapping[str, str] | None = None,
) -> Response:
    """The rows after a change: for the script their region and what else says something of the draft."""
    is_part = "hx-request" in request.headers
    if not is_part and not problem:
        return RedirectResponse(_at(principal, file, query_of(asked)), 303)
    session.flush()
    view = grid.build_rows(session, principal, file, asked)
    template = "datasets/rows_changed.html" if is_part else "datasets/rows.html"
    status = 422 if problem else 200
    context: dict[str, Any] = {"dataset": view, "problem": problem, "oob": is_part, "first": first or {}}
    return templating.render(request, template, status=status, **context)


@router.get("/{file_id}/draft/cell", name="datasets:cell")
def edit_cell(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    row: Annotated[str, Query(max_length=100)],
    place: Annotated[str, Query(max_length=1_000)],
) -> Response:
    """The field in which a cell is edited, with all that it says."""
    draft = drafts.read(session, principal, _file(session, principal, file_id))
    return _cell_editor(request, file_id, drafts.get_row(session, draft, row), row, place)


def _cell_editor(
    request: Request,
    file_id: str,
    row: DraftRow | None,
    row_id: str,
    place: str,
    *,
    status: int = 200,
    **more: Any,
) -> Response:
    """The field; `row` is None where the draft has no such row any more."""
    current = value_at(row.content, row.split, place_of(place)) if row else None
    context = {
        "file_id": file_id, "row": row, "row_id": row_id, "place": place, "text": text_of(current),
        "was": seen(current), "problem": "", "elsewhere": None, **more,
    }  # fmt: skip
    return templating.render(request, "datasets/cell_editor.html", status=status, **context)


@router.patch("/{file_id}/draft/cell", name="datasets:save-cell")
def save_cell(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Keep what was typed into a cell; where another tab has written to it, both are shown, and nothing is changed. What
    cannot be kept, for whatever reason, stays in its field."""
    file = _file(session, principal, file_id)
    row_id, name, text = ("".join(sent.rows[:1]), "".join(sent.places[:1]), sent.one.get("value", ""))
    at = place_of(name)
    row = None
    try:
        draft = drafts.opened(session, principal, file)
        row = drafts.get_row(session, draft, row_id)
        current = value_at(row.content, row.split, at)
        if current in (None, ""):
            value = typed_anew(grid.examples(session, draft, [at])[at], text, at)
        else:
            value = typed(current, text, at)
        drafts.edit(session, draft, [RowEdit(row_id, {at: value}, {at: sent.one.get("was", "")})])
    except CellTaken as taken:
        session.rollback()
        more = {"text": text, "elsewhere": shown(taken.current)}
        return _cell_editor(request, file_id, row, row_id, name, status=409, **more)
    except DomainError as error:
        session.rollback()
        problem = error.message if row else f"{error.message} Nothing was saved: copy what you typed."
        more = {"text": text, "was": sent.one.get("was", ""), "problem": problem}
        return _cell_editor(request, file_id, row, row_id, name, status=error.status, **more)
    row = drafts.get_row(session, draft, row_id)
    return templating.render(
        request,
        "datasets/cell_saved.html",
        row=row,
        kind=at.place,
        cell=grid.cell_of(row, name),
        dataset=grid.build_state(session, principal, file, sent.asked),
    )


@router.post("/{file_id}/draft/rows", name="datasets:add-row")
def add_row(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Add an empty row, with the inputs that the others have, or the first row with its own: at the end of the grid, or on
    its own page."""
    file = _file(session, principal, file_id)
    if any(name.startswith("first.") for name in sent.one) or not grid.has_rows(session, principal, file):
        try:
            row = first_row(sent.one)
        except Invalid as error:
            return _rows(request, session, principal, file, Shown(), error.message, sent.one)
    else:
        names = grid.input_names(session, principal, file)
        row = DatapointContent.model_construct(inputs=dict.fromkeys(names, ""))
    draft = drafts.opened(session, principal, file)
    added = drafts.add(session, draft, [row])[0]
    if "hx-request" not in request.headers:
        return RedirectResponse(_at(principal, file, f"/draft/rows/{added}"), 303)
    answer = _rows(request, session, principal, file, Shown(page=_LAST_PAGE))
    answer.headers["HX-Replace-Url"] = _at(principal, file, query_of(Shown(page=_LAST_PAGE)))
    return answer


@router.post("/{file_id}/draft/bulk", name="datasets:bulk")
def change_rows(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Remove rows, bring them back, or put them into a split: one, those that are ticked, or all that match."""
    file = _file(session, principal, file_id)
    named, _, row_id = sent.one.get("one", "").partition(":")
    action, asked = _action(named or sent.one.get("action", "")), sent.asked
    wanted = Filter(row_ids=[row_id] if row_id else sent.rows)
    draft = drafts.opened(session, principal, file)
    if sent.one.get("all") == "1" and not row_id:
        base = files_repository.find_version_by_number(session, file.id, draft.base_number)
        wanted = grid.filter_of(session, base, asked)
    drafts.apply(session, draft, action, wanted, _split(sent.one.get("to", "")))
    return _rows(request, session, principal, file, asked)


def _action(name: str) -> BulkAction:
    for known in get_args(BulkAction):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise Invalid("Choose what to do with the rows.")


def _split(name: str) -> Split | None:
    for known in get_args(Split):
        if name == known:
            return known  # type: ignore[no-any-return]
    if name:
        raise Invalid("Choose a split: train, validation, test, sealed or none.")
    return None


@router.post("/{file_id}/draft/paste", name="datasets:paste")
def paste_cells(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Put cells of a spreadsheet into the grid, from one of its cells on; lines beyond its last row become added rows."""
    file = _file(session, principal, file_id)
    try:
        lines = pasting.read_cells(sent.one.get("text", ""))
        # Whoever pastes over cells has seen what they say: nothing that another tab wrote is lost.
        draft = drafts.opened(session, principal, file, saved=sent.one.get("saved", ""))
        pasting.paste(session, draft, lines, sent.rows, [place_of(name) for name in sent.places])
    except DomainError as error:
        session.rollback()
        return _rows(request, session, principal, file, sent.asked, error.message)
    return _rows(request, session, principal, file, sent.asked)


@router.get("/{file_id}/draft/commit", name="datasets:commit")
def commit_form(
    file_id: str, request: Request, session: SessionDep, principal: Editor, note: str = ""
) -> Response:
    """What the draft changes, and the form that commits it; `note` is the reason that it begins with."""
    return _commit_form(request, session, principal, _file(session, principal, file_id), note[:1_000])


def _commit_form(
    request: Request, session: Session, principal: Principal, file: File, note: str = "", problem: str = ""
) -> Response:
    draft = drafts.get(session, principal, file)
    newest = files_repository.newest_version(session, file.id)
    changes = draft_repository.list_rows(session, draft, Filter(changed=True), limit=_MOST_REVIEWED)
    return templating.render(
        request,
        "datasets/commit.html",
        status=409 if problem else 200,
        file=file,
        shown=grid.describe(session, file, draft, newest),
        changes=[grid.compare(row) for row in changes],
        merged=count_merged(session, draft),
        note=note,
        problem=problem,
    )


@router.post("/{file_id}/draft/commit")
def commit_draft(
    file_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Make a version of the draft, on top of the newest one."""
    file = _file(session, principal, file_id)
    note = sent.one.get("note", "").strip()[:1_000]
    try:
        commit(session, principal, file, DraftCommit(note or None))
    except (Conflict, Invalid) as error:
        session.rollback()
        return _commit_form(request, session, principal, file, note, error.message)
    return RedirectResponse(_at(principal, file), 303)


@router.post("/{file_id}/draft/rebase", name="datasets:rebase")
def rebase_draft(file_id: str, session: SessionDep, principal: Editor) -> Response:
    """Put the draft on the newest version, and show what it changes."""
    file = _file(session, principal, file_id)
    draft = drafts.get(session, principal, file, locked=True)
    clashes = rebase(session, draft) if newer_version(session, draft) else 0
    return RedirectResponse(_at(principal, file, "?changed=1" if clashes else ""), 303)


@router.post("/{file_id}/draft/discard", name="datasets:discard")
def discard_draft(file_id: str, session: SessionDep, principal: Editor) -> Response:
    """Throw the draft away; the page offers to bring it back."""
    file = _file(session, principal, file_id)
    drafts.discard(session, principal, file)
    return RedirectResponse(_at(principal, file), 303)


@router.post("/{file_id}/draft/restore", name="datasets:restore-draft")
def restore_draft(file_id: str, session: SessionDep, principal: Editor) -> Response:
    """Bring back the draft that was thrown away last."""
    file = _file(session, principal, file_id)
    drafts.bring_back(session, principal, file)
    return RedirectResponse(_at(principal, file), 303)
