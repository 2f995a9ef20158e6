"""Moving and renaming a folder with all that lies in it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.datastructures import URL

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Forbidden, Invalid
from app.core.permissions import Editor, Reader
from app.files import directories, directory_repository, repository
from app.files.include_repository import list_including_below
from app.files.models import Directory
from app.files.sidebar import folder_url

router = APIRouter(prefix="/w/{w}", include_in_schema=False)


@router.get("/folders/{directory_id}/move", name="files:move-folder-dialog")
def move_folder_dialog(
    directory_id: str, request: Request, session: SessionDep, principal: Reader
) -> Response:
    """Ask for a folder's new path, naming what moves with it."""
    directory = directories.get_directory(session, principal, directory_id)
    return _dialog(request, session, directory, directory.path)


def _dialog(
    request: Request, session: Session, directory: Directory, path: str, error: DomainError | None = None
) -> Response:
    below = directory_repository.files_below(session, directory.workspace_id, directory.path)
    deployed = repository.deployed_environments(session, [file.id for file in below])
    return templating.render(
        request,
        "files/move_folder.html",
        status=200 if error is None else 403 if isinstance(error, Forbidden) else 422,
        directory=directory,
        path=path,
        files_count=len(below),
        live=sorted({environment.name for environment, _ in deployed}),
        included_by=list_including_below(session, directory.workspace_id, directory.path),
        problem=error.message if error else None,
    )


class FolderMoveForm(BaseModel):
    """A folder's new path."""

    path: str = ""


@router.post("/folders/{directory_id}/move", name="files:move-folder")
def move_folder(
    directory_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    form: Annotated[FolderMoveForm, Form()],
) -> Response:
    """Move or rename a folder, and show where it lies now, with the way back. What lies in it keeps ids, versions and deployments."""
    directory = directories.get_directory(session, principal, directory_id)
    try:
        with session.begin_nested():
            directories.move_directory(session, principal, directory, form.path)
    except (Invalid, Conflict, Forbidden) as error:
        session.refresh(directory)
        return _dialog(request, session, directory, form.path, error)
    url = folder_url(principal.workspace_slug, directory.path)
    return RedirectResponse(str(URL(url).include_query_params(moved=directory.id)), 303)
