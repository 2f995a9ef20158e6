"""The v5 routes of the trash."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Query
from sqlalchemy.orm import Session

from app.core.database import SessionDep
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Deleter, Reader
from app.files import repository, trash, trash_repository
from app.files.models import File, FileKind
from app.files.presentation import present_person
from app.files.schemas import FileRestore, Json

router = APIRouter(prefix="/v5", tags=["Files"])


@router.get("/trash")
def list_trash(
    session: SessionDep,
    principal: Reader,
    page: PageNumber = 1,
    size: PageSize = 10,
    name: Annotated[str, Query(description="Part of the path.")] = "",
    type: Annotated[list[FileKind] | None, Query()] = None,  # noqa: A002 - the name in the query
    deletion_id: str = "",
) -> Page[Json]:
    """Files that were deleted, the last ones first; `deletion_id` leaves those that were deleted together."""
    found, total = trash_repository.list_trashed(
        session,
        principal.workspace_id,
        kinds=type or (),
        name=name,
        deletion_id=deletion_id,
        offset=(page - 1) * size,
        limit=size,
    )
    return Page(records=_present(session, found), page=page, size=size, total=total)


@router.post("/files/{file_id}/restore")
def restore_file(
    file_id: str,
    body: Annotated[FileRestore, Body(default_factory=FileRestore)],
    session: SessionDep,
    principal: Deleter,
) -> Json:
    """Bring a file back from the trash with its id, versions and logs, and what ran where runs again; not with the variables
    of a tool."""
    file = trash.get_trashed(session, principal, file_id)
    return _restored(trash.restore(session, principal, file, path=body.path))


@router.post("/deletions/{deletion_id}/restore")
def restore_deletion(deletion_id: str, session: SessionDep, principal: Deleter) -> Json:
    """Bring back all that was deleted together, a folder with all that lay in it: everything, or nothing."""
    deletion = trash.get_deletion(session, principal, deletion_id)
    folder = deletion.folder
    files = trash.undo(session, principal, deletion)
    return {"folder": folder, "files": [_restored(each) for each in files]}


def _restored(restored: trash.Restored) -> Json:
    file = restored.file
    return {
        "id": file.id,
        "path": file.path,
        "name": file.name,
        "type": file.kind,
        "directory_id": file.directory_id,
        "path_before": restored.before,
    }


def _present(session: Session, files: Sequence[File]) -> list[Json]:
    deletions = trash_repository.find_deletions(
        session, {file.deletion_id for file in files if file.deletion_id}
    )
    people = repository.find_people(session, {each.by_id for each in deletions.values() if each.by_id})
    versions = trash_repository.count_versions(session, [file.id for file in files])
    shown = []
    for file in files:
        deletion = deletions.get(file.deletion_id or "")
        by = people.get(deletion.by_id or "") if deletion else None
        shown.append({
            "id": file.id,
            "path": file.path,
            "name": file.name,
            "type": file.kind,
            "deleted_at": file.deleted_at,
            "deleted_by": present_person(by) if by else None,
            "deletion_id": file.deletion_id,
            "folder": deletion.folder if deletion else None,
            "versions_count": versions.get(file.id, 0),
            "logs_count": file.logs_count,
        })  # fmt: skip
    return shown
