"""The SQL of what lies below a directory, for moving and deleting one."""

from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.files.models import Directory, File


def files_below(session: Session, workspace_id: str, path: str) -> list[File]:
    """The files in the directory `path` and below it."""
    query = select(File).where(File.workspace_id == workspace_id, File.deleted_at.is_(None))
    return list(session.scalars(query.where(File.path.startswith(f"{path}/", autoescape=True))))


def makers_below(session: Session, directory: Directory) -> list[str | None]:
    """Who made the files in a directory and below it, deleted files that still name it included."""
    below = File.path.startswith(f"{directory.path}/", autoescape=True) & File.deleted_at.is_(None)
    query = select(File.created_by).where(File.workspace_id == directory.workspace_id)
    return list(session.scalars(query.where((File.directory_id == directory.id) | below).distinct()))


def directories_below(session: Session, workspace_id: str, path: str) -> list[Directory]:
    """The directories below `path`, itself not included."""
    query = select(Directory).where(Directory.workspace_id == workspace_id)
    return list(session.scalars(query.where(Directory.path.startswith(f"{path}/", autoescape=True))))


def find_directories(session: Session, workspace_id: str, paths: Collection[str]) -> dict[str, str]:
    """The ids of those directories that are there, by their paths."""
    query = select(Directory.path, Directory.id).where(Directory.workspace_id == workspace_id)
    return dict(session.execute(query.where(Directory.path.in_(paths))).all())


def delete_directories(session: Session, directory: Directory, below: Collection[Directory]) -> None:
    """Delete a directory and those below it; the deleted files that still name one of them move up to its parent."""
    going = [directory.id, *(each.id for each in below)]
    values = {"directory_id": directory.parent_id}
    session.execute(
        update(File).where(File.directory_id.in_(going), File.deleted_at.is_not(None)).values(values)
    )
    session.execute(delete(Directory).where(Directory.id.in_(going)))
