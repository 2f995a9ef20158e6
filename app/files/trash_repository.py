"""The SQL of the trash: what lies in it, and what was put there at once."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, collate, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.files.models import Deletion, File, FileKind, Version
from app.workspaces.models import AuditEntry


def lock_files(session: Session, file_ids: Collection[str], *, deleted: bool) -> list[File]:
    """Hold those of the files that are in the trash, or that are not, until the transaction ends, as they are now."""
    state = File.deleted_at.is_not(None) if deleted else File.deleted_at.is_(None)
    in_order = collate(File.id, "C")  # as everybody who holds several
    query = select(File).where(File.id.in_(file_ids), state).order_by(in_order)
    query = query.with_for_update(key_share=True)  # whoever adds a version or a log waits for nothing else
    return list(session.scalars(query.execution_options(populate_existing=True)))


def lock_deletion(session: Session, deletion_id: str | None) -> Deletion | None:
    """Hold what was deleted at once, before any of its files is held, so that two who bring it back wait in line."""
    query = select(Deletion).where(Deletion.id == deletion_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def find_deletion(session: Session, workspace_id: str, deletion_id: str) -> Deletion | None:
    query = select(Deletion).where(Deletion.workspace_id == workspace_id, Deletion.id == deletion_id)
    return session.scalar(query)


def find_deletions(session: Session, deletion_ids: Collection[str]) -> dict[str, Deletion]:
    """What was deleted at once, by id."""
    query = select(Deletion).where(Deletion.id.in_(deletion_ids))
    return {each.id: each for each in session.scalars(query)} if deletion_ids else {}


def find_trashed(session: Session, workspace_id: str, file_id: str) -> File | None:
    """A file that is in the trash."""
    return session.scalar(_trashed(workspace_id).where(File.id == file_id))


def files_of(session: Session, deletion_id: str, limit: int | None = None) -> list[File]:
    """What is still in the trash of what was deleted at once, by path."""
    query = select(File).where(File.deletion_id == deletion_id, File.deleted_at.is_not(None))
    return list(session.scalars(query.order_by(File.path, File.id).limit(limit)))


def count_files(session: Session, deletion_ids: Collection[str]) -> dict[str, int]:
    """How many files are still in the trash of each; those of which none is are left out."""
    query = select(File.deletion_id, func.count()).where(
        File.deletion_id.in_(deletion_ids), File.deleted_at.is_not(None)
    )
    rows = session.execute(query.group_by(File.deletion_id)) if deletion_ids else ()
    return {deletion_id: count for deletion_id, count in rows if deletion_id}


def list_trashed(
    session: Session,
    workspace_id: str,
    *,
    kinds: Sequence[FileKind] = (),
    name: str = "",
    deletion_id: str = "",
    offset: int = 0,
    limit: int,
) -> tuple[list[File], int]:
    """The files in the trash with `name` in their paths, those that were deleted last first; how many there are in all."""
    query = _trashed(workspace_id)
    if kinds:
        query = query.where(File.kind.in_(kinds))
    if name:
        query = query.where(File.path.icontains(name, autoescape=True))
    if deletion_id:
        query = query.where(File.deletion_id == deletion_id)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(File.deleted_at.desc(), File.path, File.id).offset(offset).limit(limit)
    return list(session.scalars(query)), total


def count_versions(session: Session, file_ids: Collection[str]) -> dict[str, int]:
    """How many versions each file has; those without any are left out."""
    query = select(Version.file_id, func.count()).where(Version.file_id.in_(file_ids))
    if not file_ids:
        return {}
    return dict(session.execute(query.group_by(Version.file_id)).all())


def put_back(session: Session, file_id: str, *, path: str, directory_id: str) -> None:
    """Take a file out of the trash. Fails with `IntegrityError` where another file has the path."""
    values = {"path": path, "directory_id": directory_id, "deleted_at": None, "deletion_id": None}
    session.execute(update(File).where(File.id == file_id).values(values))


def forget_deletion(session: Session, deletion_id: str) -> None:
    session.execute(delete(Deletion).where(Deletion.id == deletion_id))


def find_paths_before(session: Session, workspace_id: str, file_ids: Collection[str]) -> dict[str, str]:
    """Where files lay that were brought back beside what has their paths now, as the audit log says of the last time; the others
    are left out."""
    before = AuditEntry.detail["before"].astext
    query = (
        select(AuditEntry.subject_id, before)
        .where(
            AuditEntry.workspace_id == workspace_id,
            AuditEntry.action == "file.restored",
            AuditEntry.subject_id.in_(file_ids),
        )
        .ext(distinct_on(AuditEntry.subject_id))
        .order_by(AuditEntry.subject_id, AuditEntry.at.desc(), AuditEntry.id.desc())
    )
    return {file_id: path for file_id, path in session.execute(query) if path} if file_ids else {}


def count_secrets(session: Session, file_ids: Collection[str]) -> int:
    """How many variables these tools have, by the name of their table: its package stands above this one."""
    query = text("select count(*) from tool_variable where file_id = any(:files)")
    return session.scalar(query, {"files": list(file_ids)}) or 0


def _trashed(workspace_id: str) -> Select[File]:
    return select(File).where(File.workspace_id == workspace_id, File.deleted_at.is_not(None))
