"""The SQL of what lies below a directory, for moving and deleting one."""

from sqlalchemy import select, update
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


def empty_directory_of_deleted(session: Session, directory: Directory) -> None:
    """Move the deleted files that still name a directory up to its parent, so that it can go."""
    values = {"directory_id": directory.parent_id}
    session.execute(
        update(File).where(File.directory_id == directory.id, File.deleted_at.is_not(None)).values(values)
    )
