"""The tree of files with what is live and what scored what; making, moving and deleting files and folders."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from app.core import templating
from app.core.database import SessionDep
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.core.pagination import PageNumber
from app.core.permissions import Deleter, Editor, Reader
from app.evaluations import repository
from app.evaluations.file_pages.file_list import LINES_A_PAGE, FileQuery, list_tree
from app.files import directories, service, trash_repository
from app.files import repository as files
from app.files.include_repository import list_including
from app.files.models import File
from app.files.paths import parent_of, plain_path
from app.files.sidebar import file_url, folder_url
from app.files.trash_view import after_deleting, just_deleted, just_restored

router = APIRouter(prefix="/w/{w}", include_in_schema=False)


@router.get("/files", name="evaluations:files")
@router.get("/files/{path:path}", name="evaluations:folder")
def files_page(
    request: Request,
    session: SessionDep,
    principal: Reader,
    path: str = "",
    kind: str = "",
    q: str = "",
    closed: Annotated[list[str], Query()] = [],  # noqa: B006 - read only
    page: PageNumber = 1,
    deleted: str = "",
    restored: Annotated[list[str], Query()] = [],  # noqa: B006 - read only
    total: int = 0,
    moved: str = "",
) -> Response:
    """What is here, what is live, what scored what; a page of lines at a time. At first, what was just `deleted` or `restored`,
    or the folder that was `moved`."""
    path = plain_path(path)
    here = files.find_directory_by_path(session, principal.workspace_id, path) if path else None
    if path and here is None:
        return _not_a_folder(session, principal.workspace_slug, principal.workspace_id, path)
    tree = list_tree(session, principal, FileQuery(path, kind, q.strip(), frozenset(closed), page))
    return templating.render(
        request,
        "files/files.html",
        tree=tree,
        path=path,
        kind=kind,
        text=q.strip(),
        closed=closed,
        page=page,
        size=LINES_A_PAGE,
        just_deleted=just_deleted(session, principal, deleted) if deleted else None,
        just_restored=just_restored(session, principal, restored, total) if restored else None,
        just_moved=directories.just_moved(session, principal, moved) if moved else None,
        here_id=here.id if here else None,
    )


def _not_a_folder(session: SessionDep, slug: str, workspace_id: str, path: str) -> Response:
    """A file's path leads to its page; everything else is nowhere."""
    file = files.find_file_by_path(session, workspace_id, path)
    if file is None:
        raise NotFound(f"There is no folder `{path}`.")
    return RedirectResponse(file_url(slug, file.kind, file.id), 303)


@router.get("/create", name="evaluations:create")
def create_dialog(request: Request, _reader: Reader, folder: str = "") -> Response:
    """What to make: a prompt, a dataset, an evaluator, a tool, or a folder."""
    return templating.render(request, "files/create.html", folder=folder, path="", problem=None)


class FolderForm(BaseModel):
    """A folder to make."""

    path: str = ""
    folder: str = ""


@router.post("/folders", name="evaluations:create_folder")
def create_folder(
    request: Request, session: SessionDep, principal: Editor, form: Annotated[FolderForm, Form()]
) -> Response:
    """Make a folder and show it."""
    whole = f"{form.folder}/{form.path}" if form.folder else form.path
    try:
        made = directories.create_directory(session, principal, whole)
    except (Invalid, Conflict) as error:
        return templating.render(
            request,
            "files/create.html",
            status=422,
            folder=form.folder,
            path=form.path,
            problem=error.message,
        )
    return RedirectResponse(folder_url(principal.workspace_slug, made.path), 303)


@router.get("/files-at/{file_id}/move", name="evaluations:move_dialog")
def move_dialog(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """Ask for a file's new path."""
    file = service.get_file(session, principal, file_id)
    return _move_dialog(request, session, file, file.path)


def _move_dialog(
    request: Request, session: SessionDep, file: File, path: str, error: DomainError | None = None
) -> Response:
    return templating.render(
        request,
        "files/move.html",
        status=200 if error is None else 403 if isinstance(error, Forbidden) else 422,
        file=file,
        path=path,
        included_by=list_including(session, file.workspace_id, file.path),
        problem=error.message if error else None,
    )


class MoveForm(BaseModel):
    """A file's new path."""

    path: str = ""


@router.post("/files-at/{file_id}/move", name="evaluations:move")
def move(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Editor,
    form: Annotated[MoveForm, Form()],
) -> Response:
    """Move or rename a file. Its id, versions and deployments stay."""
    file = service.get_file(session, principal, file_id)
    try:
        service.move_file(session, principal, file, form.path)
    except (Invalid, Conflict, Forbidden) as error:
        return _move_dialog(request, session, file, form.path, error)
    return RedirectResponse(folder_url(principal.workspace_slug, parent_of(file.path)), 303)


@router.get("/files-at/{file_id}/delete", name="evaluations:delete_dialog")
def delete_dialog(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """Ask whether to delete a file, naming what that means."""
    return _delete_dialog(request, session, service.get_file(session, principal, file_id))


def _delete_dialog(
    request: Request, session: SessionDep, file: File, error: DomainError | None = None
) -> Response:
    live = [environment.name for environment, _ in files.deployed_environments(session, [file.id])]
    newest = files.newest_version(session, file.id)
    _, evaluations = repository.list_evaluations(session, file.workspace_id, file_id=file.id, limit=1)
    return templating.render(
        request,
        "files/delete.html",
        status=error.status if error else 200,
        file=file,
        live=live,
        versions=newest.number if newest else 0,
        evaluations=evaluations,
        included_by=list_including(session, file.workspace_id, file.path),
        secrets=trash_repository.count_secrets(session, [file.id]),
        problem=error.message if error else None,
    )


@router.post("/files-at/{file_id}/delete", name="evaluations:delete")
def delete(file_id: str, request: Request, session: SessionDep, principal: Deleter) -> Response:
    """Put a file into the trash. What used it keeps its history."""
    file = service.get_file(session, principal, file_id)
    try:
        deletion = service.delete_file(session, principal, file)
    except Forbidden as error:
        return _delete_dialog(request, session, file, error)
    return RedirectResponse(after_deleting(principal, file.path, deletion), 303)
