"""The page of the trash, bringing back what lies in it, and deleting folders."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Forbidden, Invalid
from app.core.pagination import PageNumber
from app.core.permissions import Deleter, Reader
from app.files import directories, directory_repository, repository, trash, trash_repository
from app.files.models import Directory
from app.files.paths import parent_of
from app.files.trash_view import A_PAGE, after_deleting, after_restoring, list_trash

router = APIRouter(prefix="/w/{w}", include_in_schema=False)


@router.get("/trash", name="files:trash")
def trash_page(
    request: Request,
    session: SessionDep,
    principal: Reader,
    q: str = "",
    deletion: str = "",
    page: PageNumber = 1,
) -> Response:
    """What was deleted, the last first; of `deletion`, only what was deleted together."""
    listed = list_trash(session, principal, text=q.strip(), deletion_id=deletion, page=page)
    return templating.render(
        request,
        "files/trash.html",
        trash=listed,
        text=q.strip(),
        deletion=deletion,
        page=page,
        size=A_PAGE,
    )


@router.get("/trash/{file_id}/restore", name="files:restore-dialog")
def restore_dialog(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """Ask where a file is to lie that is brought back."""
    file = trash.get_trashed(session, principal, file_id)
    return templating.render(request, "files/restore.html", file=file, path=file.path, problem=None)


class RestoreForm(BaseModel):
    """Where a file is to lie; empty for where it lay."""

    path: str = ""


@router.post("/trash/{file_id}/restore", name="files:restore")
def restore(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Deleter,
    form: Annotated[RestoreForm, Form()],
) -> Response:
    """Bring a file back."""
    file = trash.get_trashed(session, principal, file_id)
    try:
        restored = trash.restore(session, principal, file, path=form.path.strip() or None)
    except (Invalid, Conflict, Forbidden) as error:
        status = 403 if isinstance(error, Forbidden) else 422
        return templating.render(
            request,
            "files/restore.html",
            status=status,
            file=file,
            path=form.path or file.path,
            problem=error.message,
        )
    folder = parent_of(restored.file.path)
    return RedirectResponse(after_restoring(principal, [restored], folder), 303)


@router.post("/deletions/{deletion_id}/restore", name="files:restore-deletion")
def restore_deletion(deletion_id: str, session: SessionDep, principal: Deleter) -> Response:
    """Undo a deletion: bring back all that was deleted together."""
    deletion = trash.get_deletion(session, principal, deletion_id)
    folder = deletion.folder
    restored = trash.undo(session, principal, deletion)
    there = folder and repository.find_directory_by_path(session, principal.workspace_id, folder)
    if restored and not there:
        folder = parent_of(restored[0].file.path)
    return RedirectResponse(after_restoring(principal, restored, folder or ""), 303)


@router.get("/folders/{directory_id}/delete", name="files:delete-folder-dialog")
def delete_folder_dialog(
    directory_id: str, request: Request, session: SessionDep, principal: Reader
) -> Response:
    """Ask whether to delete a folder, naming what that means."""
    return _delete_folder_dialog(
        request, session, directories.get_directory(session, principal, directory_id)
    )


def _delete_folder_dialog(
    request: Request, session: Session, directory: Directory, error: DomainError | None = None
) -> Response:
    below = directory_repository.files_below(session, directory.workspace_id, directory.path)
    file_ids = [file.id for file in below]
    live = {environment.name for environment, _ in repository.deployed_environments(session, file_ids)}
    return templating.render(
        request,
        "files/delete_folder.html",
        status=error.status if error else 200,
        directory=directory,
        kinds=Counter(file.kind for file in below),
        live=sorted(live),
        secrets=trash_repository.count_secrets(session, file_ids),
        problem=error.message if error else None,
    )


@router.post("/folders/{directory_id}/delete", name="files:delete-folder")
def delete_folder(directory_id: str, request: Request, session: SessionDep, principal: Deleter) -> Response:
    """Delete a folder; what lies in it goes to the trash."""
    directory = directories.get_directory(session, principal, directory_id)
    path = directory.path
    try:
        deletion = directories.delete_directory(session, principal, directory, with_files=True)
    except (Conflict, Forbidden) as error:
        return _delete_folder_dialog(request, session, directory, error)
    return RedirectResponse(after_deleting(principal, path, deletion), 303)
