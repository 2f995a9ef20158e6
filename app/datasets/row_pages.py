"""The page on which a row of a draft is edited as a whole: every member, with or without a script."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import DomainError, Invalid, NotFound
from app.core.permissions import Editor
from app.datasets import drafts, grid, synthetic
from app.datasets.cells import Json, place_of, seen, text_of, typed, typed_anew, value_at
from app.datasets.draft_form import Sent, SentForm
from app.datasets.draft_repository import DraftRow
from app.datasets.drafts import RowEdit
from app.datasets.models import DatasetDraft
from app.datasets.rows import Destination, Place
from app.files import service as files
from app.files.models import File, FileKind

router = APIRouter(prefix="/w/{w}/datasets", include_in_schema=False)
_MOST_FIELDS = 200
"""Members that the page has fields for; the API writes all."""
_WHOLE = ("messages", "context", "cluster", "split")
_NAMED: tuple[Place, ...] = ("inputs", "target", "metadata")
Field = tuple[str, str, str]
"""The name of a place, what it says, and the mark of that."""


@router.get("/{file_id}/draft/rows/{row_id}", name="datasets:edit-row")
def edit_row(file_id: str, row_id: str, request: Request, session: SessionDep, principal: Editor) -> Response:
    """Every member of a row, to edit."""
    file = _file(session, principal, file_id)
    draft = drafts.read(session, principal, file)
    row = drafts.get_row(session, draft, row_id)
    return _form(request, file, row, _fields(row))


def _file(session: Session, principal: Principal, file_id: str) -> File:
    return files.get_file(session, principal, file_id, FileKind.DATASET)


def _form(
    request: Request,
    file: File,
    row: DraftRow | None,
    fields: Sequence[Field],
    typed_in: Json | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    typed_in = typed_in or {}
    return templating.render(
        request,
        "datasets/row_edit.html",
        status=status,
        file=file,
        row=row,
        fields=[(name, typed_in.get(f"value.{name}", text), was) for name, text, was in fields],
        left_out=max(0, len(_members(row)) - _MOST_FIELDS) if row else 0,
        typed_in=typed_in,
        problem=problem,
    )


def _members(row: DraftRow) -> list[str]:
    """But for the mark of a row that a model wrote: it stays as it is."""
    places = [Destination(kind, name) for kind in _NAMED for name in row.content.get(kind) or {}]
    return [str(place) for place in places if place != synthetic.PLACE]


def _fields(row: DraftRow) -> list[Field]:
    fields = []
    for name in [*_members(row)[:_MOST_FIELDS], *_WHOLE]:
        value = value_at(row.content, row.split, place_of(name))
        fields.append((name, text_of(value), seen(value)))
    return fields


@router.post("/{file_id}/draft/rows/{row_id}", name="datasets:save-row")
def save_row(
    file_id: str, row_id: str, request: Request, session: SessionDep, principal: Editor, sent: SentForm
) -> Response:
    """Keep what was typed. What cannot be kept, for whatever reason, stays in its fields."""
    file = _file(session, principal, file_id)
    try:
        draft = drafts.opened(session, principal, file)
        row = drafts.get_row(session, draft, row_id)
        edit = _edit(session, draft, row, sent)
        if edit.values:
            drafts.edit(session, draft, [edit])
    except DomainError as error:
        session.rollback()
        return _with_problem(request, session, principal, file, row_id, sent, error)
    if row.state == "" and not edit.values:
        session.rollback()
    return RedirectResponse(f"/w/{principal.workspace_slug}/datasets/{file.id}", 303)


def _with_problem(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    row_id: str,
    sent: Sent,
    error: DomainError,
) -> Response:
    try:
        row = drafts.get_row(session, drafts.read(session, principal, file), row_id)
    except NotFound:
        names = [name.removeprefix("value.") for name in sent.one if name.startswith("value.")]
        fields = [(name, "", sent.one.get(f"was.{name}", "")) for name in names]
        problem = f"{error.message} Nothing was saved: copy what you typed."
        return _form(request, file, None, fields, sent.one, problem, error.status)
    return _form(request, file, row, _fields(row), sent.one, error.message, error.status)


def _edit(session: Session, draft: DatasetDraft, row: DraftRow, sent: Sent) -> RowEdit:
    """What of the form is not as it was when the page was read."""
    texts: dict[Destination, str] = {}
    marks: dict[Destination, str] = {}
    for name, text in sent.one.items():
        if not name.startswith("value."):
            continue
        at = place_of(name.removeprefix("value."))
        mark = sent.one.get(f"was.{name.removeprefix('value.')}", "")
        if seen(text) != mark:
            texts[at], marks[at] = text, mark
    if name := sent.one.get("new_name", "").strip():
        kind = sent.one.get("new_kind", "")
        if kind not in _NAMED:
            raise Invalid("Choose where the further member stands: inputs, target or metadata.")
        at = place_of(f"{kind}.{name}")
        if value_at(row.content, row.split, at) is not None:
            raise Invalid(f"The row has {at!s:.80} already.")
        texts[at] = sent.one.get("new_value", "")
    like = grid.examples(session, draft, list(texts))
    values = {}
    for at, text in texts.items():
        current = value_at(row.content, row.split, at)
        is_new = current in (None, "")
        values[at] = typed_anew(like[at], text, at) if is_new else typed(current, text, at)
    return RowEdit(row.row_id, values, marks)
