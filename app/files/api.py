"""The v5 routes of files of all kinds and of directories."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Deleter, Editor, Reader, api_key_of, declare
from app.core.plain_routes import PlainRoute
from app.files import copying, directories, repository, service
from app.files.fetching import Fetch
from app.files.models import Directory, FileKind
from app.files.paths import parent_of, plain_path
from app.files.presentation import present, present_one
from app.files.schemas import (
    DirectoryCreate,
    DirectoryUpdate,
    FileCopy,
    Json,
    PathQuery,
)
from app.files.versioned_api import Order, SortBy, fetched, list_page

router = APIRouter(prefix="/v5")
hot = APIRouter(prefix="/v5", route_class=PlainRoute)
"""What production asks before its calls."""


@router.get("/files", tags=["Files"])
def list_files(
    session: SessionDep,
    principal: Reader,
    page: PageNumber = 1,
    size: PageSize = 10,
    name: str | None = None,
    path: str | None = None,
    template: bool = False,
    type: Annotated[list[FileKind] | None, Query()] = None,  # noqa: A002 - the name in the query
    environment: str | None = None,
    sort_by: SortBy = "created_at",
    order: Order = "desc",
    include_raw_file_content: bool = False,
    newest: bool = False,
) -> Page[Json]:
    """Files of every kind; `path` is a directory, taken with all below it, `environment` the name of one: then files
    of which a version runs there, at that version. There are no templates: with `template`, nothing is found."""
    if newest and environment:
        raise Invalid("Ask for the newest versions or for those of an environment, not for both.")
    if template:
        return Page(records=[], page=page, size=size, total=0)
    under = plain_path(path or "")
    return list_page(
        session,
        principal,
        type or [],
        page,
        size,
        name=name,
        under=directories.get_directory_by_path(session, principal, under).path if under else None,
        environment=environment,
        newest=newest,
        sort_by=sort_by,
        order=order,
        also=_also(include_raw_file_content),
    )


def _also(include_raw_file_content: bool) -> list[str]:
    return ["raw_file_content"] if include_raw_file_content else []


@hot.post(
    "/files/retrieve-by-path",
    tags=["Files"],
    response_model=Json,
    dependencies=[Depends(declare(Action.READ))],
)
async def retrieve_file_by_path(
    body: PathQuery,
    request: Request,
    environment: str | None = None,
    include_raw_file_content: bool = False,
) -> Response:
    """The file at a path, at the version that it shows or an environment's."""

    def by_itself(session: Session, principal: Principal) -> Json:
        file = service.get_file_by_path(session, principal, body.path)
        version = service.resolve_version(session, file, environment=environment)
        version.file = file
        return present_one(session, version, also=_also(include_raw_file_content))

    asked = Fetch(api_key_of(request), path=body.path, environment=environment, raw=include_raw_file_content)
    return await fetched(request, asked, by_itself)


@router.post("/files/{file_id}/copy", tags=["Files"], status_code=201)
def copy_file(file_id: str, body: FileCopy, session: SessionDep, principal: Editor) -> Json:
    """Copy a file of any kind: one of its versions, or all. Logs, deployments, variables of tools, and what judges its logs stay
    behind; the first version is deployed to the default environment, as that of every new file."""
    file = service.get_file(session, principal, file_id)
    version = service.resolve_version(session, file, version_id=body.version_id, environment=body.environment)
    version.file = file
    copy = copying.copy_file(session, principal, version, body.path, all_versions=body.all_versions)
    return present_one(session, copy)


@router.get("/directories", tags=["Directories"])
def list_directories(session: SessionDep, principal: Reader) -> list[Json]:
    """Every directory of the workspace, parents before children."""
    repository.ensure_directory(session, principal.workspace_id, "")
    return [_present(each) for each in repository.list_directories(session, principal.workspace_id)]


@router.post("/directories", tags=["Directories"], status_code=201)
def create_directory(
    body: Annotated[DirectoryCreate, Body(default_factory=DirectoryCreate)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Make a directory, with its parents; the one that is there if it exists."""
    path = body.path or body.name
    if not path:
        raise Invalid("Give the directory a path, or a name.", fields={"path": "Give a path, or a name."})
    if body.parent_id and not body.path:
        path = f"{directories.get_directory(session, principal, body.parent_id).path}/{path}"
    return _present(directories.create_directory(session, principal, path))


@router.get("/directories/structure", tags=["Directories"])
def get_directory_structure(session: SessionDep, principal: Reader) -> Json:
    """The whole tree: the root with its `subdirectories`, each with its own, and with the names of its `files`."""
    repository.ensure_directory(session, principal.workspace_id, "")
    shown = {
        each.id: _present(each) | {"subdirectories": [], "files": []}
        for each in repository.list_directories(session, principal.workspace_id)
    }
    by_path = {each["path"]: each for each in shown.values()}
    for each in shown.values():
        if each["parent_id"]:
            shown[each["parent_id"]]["subdirectories"].append(each)
    for entry in repository.list_entries(session, principal.workspace_id):
        name = entry.path.rpartition("/")[2]
        file = {"id": entry.id, "name": name, "path": entry.path, "type": entry.kind}
        by_path[parent_of(entry.path)]["files"].append(file)
    return by_path[""]


@router.get("/directories/{directory_id}", tags=["Directories"])
def get_directory(directory_id: str, session: SessionDep, principal: Reader) -> Json:
    """A directory with what lies in it; `root` is the top."""
    directory = directories.get_directory(session, principal, directory_id)
    every = repository.list_directories(session, principal.workspace_id)
    by_id = {each.id: each for each in every}
    parents, above = [], directory.parent_id
    while above:
        parents.append(_present(by_id[above]))
        above = by_id[above].parent_id
    files = repository.files_in(session, directory.id)
    shown = repository.shown_versions(session, [file.id for file in files])
    for file in files:
        if file.id in shown:
            shown[file.id].file = file
    return _present(directory) | {
        "subdirectories": [_present(each) for each in every if each.parent_id == directory.id],
        "files": present(session, [shown[file.id] for file in files if file.id in shown]),
        "parents": parents,
    }


@router.patch("/directories/{directory_id}", tags=["Directories"])
def update_directory(
    directory_id: str,
    body: Annotated[DirectoryUpdate, Body(default_factory=DirectoryUpdate)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Move or rename a directory; everything below moves along."""
    directory = directories.get_directory(session, principal, directory_id)
    folder = parent_of(directory.path)
    if body.parent_id:
        folder = directories.get_directory(session, principal, body.parent_id).path
    directories.move_directory(
        session, principal, directory, body.path or f"{folder}/{body.name or directory.name}"
    )
    return _present(directory)


@router.delete("/directories/{directory_id}", tags=["Directories"], status_code=204)
def delete_directory(
    directory_id: str,
    session: SessionDep,
    principal: Deleter,
    with_files: Annotated[
        bool, Query(description="With all that lies in it and below: its files go to the trash.")
    ] = False,
) -> Response:
    """Delete an empty directory, or one with all that lies in it."""
    directory = directories.get_directory(session, principal, directory_id)
    directories.delete_directory(session, principal, directory, with_files=with_files)
    return Response(status_code=204)


def _present(directory: Directory) -> Json:
    return {
        "id": directory.id,
        "parent_id": directory.parent_id,
        "name": directory.name or "root",
        "path": directory.path,
        "tags": [],
        "created_at": directory.created_at,
        "updated_at": directory.updated_at,
    }
