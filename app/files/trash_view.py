"""What pages say of the trash: what lies in it, what was just put there, and what was just brought back."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.files import repository, trash_repository
from app.files.models import Deletion, File, FileKind
from app.files.paths import parent_of
from app.files.sidebar import ICONS, file_url, folder_url
from app.files.trash import Restored

A_PAGE = 50
_NAMED = 3
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class TrashLine:
    """A file in the trash."""

    file: File
    icon: str
    by: str
    """Who deleted it; empty where nobody knows."""
    folder: str | None
    """The folder that it was deleted with."""
    versions: int
    others: int
    """Files that were deleted with it, and still lie there."""


@dataclass(frozen=True, slots=True)
class TrashList:
    """A page of the trash."""

    lines: Sequence[TrashLine]
    total: int
    together: Deletion | None
    """What was deleted at once, where only that is listed."""


@dataclass(frozen=True, slots=True)
class JustDeleted:
    """What lies in the trash since a moment ago."""

    deletion: Deletion
    names: Sequence[str]
    """The paths of the first few files."""
    total: int


@dataclass(frozen=True, slots=True)
class Back:
    """A file that was just brought back."""

    path: str
    url: str
    before: str
    """Where it lay, if something else lies there now."""


@dataclass(frozen=True, slots=True)
class JustRestored:
    """What was just brought back."""

    files: Sequence[Back]
    """Those that are named: of many, the ones first that lie elsewhere now."""
    total: int


def list_trash(
    session: Session, principal: Principal, *, text: str = "", deletion_id: str = "", page: int = 1
) -> TrashList:
    """A page of the trash, those that were deleted last first."""
    found, total = trash_repository.list_trashed(
        session,
        principal.workspace_id,
        name=text,
        deletion_id=deletion_id,
        offset=(page - 1) * A_PAGE,
        limit=A_PAGE,
    )
    deletions = trash_repository.find_deletions(
        session, {file.deletion_id for file in found if file.deletion_id}
    )
    counts = trash_repository.count_files(session, deletions)
    people = repository.find_people(session, {each.by_id for each in deletions.values() if each.by_id})
    versions = trash_repository.count_versions(session, [file.id for file in found])
    lines = []
    for file in found:
        deletion = deletions.get(file.deletion_id or "")
        by = people.get(deletion.by_id or "") if deletion else None
        lines.append(
            TrashLine(
                file,
                ICONS[FileKind(file.kind)],
                by.full_name if by else "",
                deletion.folder if deletion else None,
                versions.get(file.id, 0),
                counts.get(file.deletion_id or "", 1) - 1,
            )
        )
    together = trash_repository.find_deletion(session, principal.workspace_id, deletion_id)
    return TrashList(lines, total, together)


def just_deleted(session: Session, principal: Principal, deletion_id: str) -> JustDeleted | None:
    """What was deleted at once, as long as it is in the trash."""
    deletion = trash_repository.find_deletion(session, principal.workspace_id, deletion_id)
    if deletion is None:
        return None
    named = trash_repository.files_of(session, deletion.id, _NAMED)
    total = trash_repository.count_files(session, [deletion.id]).get(deletion.id, 0)
    return JustDeleted(deletion, [file.path for file in named], total)


def just_restored(
    session: Session, principal: Principal, file_ids: Sequence[str], total: int
) -> JustRestored | None:
    """What was brought back, by the first few of its files."""
    file_ids = file_ids[:_MOST_NAMED]
    before = trash_repository.find_paths_before(session, principal.workspace_id, file_ids)
    found = {file.id: file for file in repository.find_files(session, principal.workspace_id, file_ids)}
    files = [
        Back(
            file.path,
            file_url(principal.workspace_slug, file.kind, file.id),
            before.get(file.id, ""),
        )
        for each in file_ids
        if (file := found.get(each))
    ]
    return JustRestored(files, max(total, len(files))) if files else None


def after_deleting(principal: Principal, path: str, deletion: Deletion) -> str:
    """The folder in which something lay, with the way to bring it back."""
    folder = folder_url(principal.workspace_slug, parent_of(path))
    return f"{folder}?{urlencode({'deleted': deletion.id})}"


def after_restoring(principal: Principal, restored: Sequence[Restored], folder: str) -> str:
    """The folder in which something lies again, saying where, of those first that lie elsewhere now."""
    named = sorted(restored, key=lambda each: not each.beside)[:_MOST_NAMED]
    query = [("restored", each.file.id) for each in named] + [("total", str(len(restored)))]
    return f"{folder_url(principal.workspace_slug, folder)}?{urlencode(query)}"
