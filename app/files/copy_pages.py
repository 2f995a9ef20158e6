"""The page that copies a file."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Invalid
from app.core.permissions import Editor, Reader
from app.files import approvers, copying, repository, service, trash_repository
from app.files.models import File
from app.files.sidebar import file_url

router = APIRouter(prefix="/w/{w}/files-at/{file_id}/copy", include_in_schema=False)
_OFFERED = 100
_EVERY = "all"


class CopyForm(BaseModel):
    """Where the copy is to lie, and what it is of: the number of a version, or `all`."""

    path: str = ""
    of: str = ""


@router.get("", name="files:copy-dialog")
def copy_dialog(
    file_id: str, request: Request, session: SessionDep, principal: Reader, version: str = ""
) -> Response:
    """Ask for the copy's path, and what it is of."""
    file = service.get_file(session, principal, file_id)
    form = CopyForm(path=copying.path_for_copy(session, file), of=version)
    return _dialog(request, session, principal, file, form)


def _dialog(
    request: Request,
    session: Session,
    principal: Principal,
    file: File,
    form: CopyForm,
    error: DomainError | None = None,
) -> Response:
    shown = repository.shown_versions(session, [file.id]).get(file.id)
    offered = repository.list_versions(session, file.id, limit=_OFFERED)
    if shown and shown not in offered:
        offered.append(shown)
    default = next(
        (e for e in repository.list_environments(session, file.workspace_id) if e.tag == "default"), None
    )
    deploys = default is not None and not approvers.why_not(session, principal, default)
    return templating.render(
        request,
        "files/copy.html",
        status=error.status if error else 200,
        file=file,
        form=form,
        shown=shown,
        versions=offered,
        total=trash_repository.count_versions(session, [file.id]).get(file.id, 0),
        environment=default.name if default and deploys else "",
        secrets=trash_repository.count_secrets(session, [file.id]),
        problem=error.message if error else None,
    )


@router.post("", name="files:copy")
def copy(
    file_id: str, request: Request, session: SessionDep, principal: Editor, form: Annotated[CopyForm, Form()]
) -> Response:
    """Copy a file, and open the copy."""
    file = service.get_file(session, principal, file_id)
    try:
        with session.begin_nested():
            if form.of.isdecimal():
                version = service.get_version_number(session, file, min(int(form.of[:9]), 2**31 - 1))
            else:
                version = service.resolve_version(session, file)
            version.file = file
            made = copying.copy_file(session, principal, version, form.path, all_versions=form.of == _EVERY)
    except (Invalid, Conflict) as error:
        return _dialog(request, session, principal, file, form, error)
    return RedirectResponse(file_url(principal.workspace_slug, file.kind, made.file_id), 303)
