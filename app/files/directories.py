"""Directories: making, renaming and deleting them, with all that lies below."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Conflict, NotFound
from app.files import deployments, directory_repository, repository, trash
from app.files.models import Deletion, Directory
from app.files.paths import clean_path, parent_of
from app.files.places import refuse_file_above
from app.workspaces import audit, audit_repository

_MOVED = "directory.moved"


def get_directory(session: Session, principal: Principal, directory_id: str) -> Directory:
    """The directory with this id; `root` is the top of the tree.

    Raises:
        NotFound: the workspace has no such directory.
    """
    if directory_id == "root":
        return repository.ensure_directory(session, principal.workspace_id, "")
    directory = repository.find_directory(session, principal.workspace_id, directory_id)
    if directory is None:
        raise NotFound(f"Directory `{directory_id}` does not exist")
    return directory


def get_directory_by_path(session: Session, principal: Principal, path: str) -> Directory:
    """The directory at `path`.

    Raises:
        NotFound: the workspace has no such directory.
    """
    directory = repository.find_directory_by_path(session, principal.workspace_id, path)
    if directory is None:
        raise NotFound(f"Directory `{path}` does not exist")
    return directory


def create_directory(session: Session, principal: Principal, path: str) -> Directory:
    """The directory at `path`, with its parents; the one that is there if it exists.

    Raises:
        Conflict: a file has this path.
    """
    path = clean_path(path)
    if repository.find_file_by_path(session, principal.workspace_id, path):
        raise Conflict(f"`{path}` is a file. Choose another name.")
    refuse_file_above(session, principal.workspace_id, path)
    return repository.ensure_directory(session, principal.workspace_id, path)


def move_directory(session: Session, principal: Principal, directory: Directory, path: str) -> None:
    """Give a directory another path; everything below moves along.

    Raises:
        Forbidden: a file below runs where the principal may not deploy.
        Conflict: the root, into itself, or onto something that exists.
    """
    path, old = clean_path(path), directory.path
    if path == old:
        return
    if not old or path.startswith(f"{old}/"):
        raise Conflict(
            "A folder cannot be moved into itself." if old else "The top of the tree stays where it is."
        )
    siblings = repository.list_directories(session, directory.workspace_id)
    if any(other.path == path for other in siblings):
        raise Conflict(
            f"There is a folder `{path}` already, and two are not made into one. Choose another name."
        )
    if repository.find_file_by_path(session, directory.workspace_id, path):
        raise Conflict(f"There is a file `{path}` already. Choose another name.")
    refuse_file_above(session, directory.workspace_id, path)
    directory.parent_id = repository.ensure_directory(session, directory.workspace_id, parent_of(path)).id
    for child in directory_repository.directories_below(session, directory.workspace_id, old):
        child.path = clean_path(path + child.path.removeprefix(old))
    files = directory_repository.files_below(session, directory.workspace_id, old)
    deployments.refuse_to_take_away(session, principal, [file.id for file in files])
    audit.record(session, principal, _MOVED, "directory", directory.id, path=path, before=old)
    for file in files:
        file.path = clean_path(path + file.path.removeprefix(old))
    directory.path = path
    session.flush()


def delete_directory(
    session: Session, principal: Principal, directory: Directory, *, with_files: bool = False
) -> Deletion:
    """Delete an empty directory; or one with all that lies in it and below, which goes to the trash.

    Raises:
        Forbidden: a member deletes one in which files of somebody else lie or, deleted since, lay; or a file below runs
            where the principal may not deploy.
        Conflict: it is the root, or something lies in it that is not to go with it.
    """
    path, workspace_id = directory.path, directory.workspace_id
    for maker_id in directory_repository.makers_below(session, directory):
        principal.refuse_others_work(maker_id)
    files = directory_repository.files_below(session, workspace_id, path)
    below = directory_repository.directories_below(session, workspace_id, path)
    if not path:
        raise Conflict("The top of the tree stays. Delete the folders and files in it.")
    if (files or below) and not with_files:
        raise Conflict(f"`{path}` is not empty. Move or delete what lies in it first.")
    deletion = trash.throw_away(
        session, principal, files, folders=[path, *sorted(each.path for each in below)]
    )
    audit.record(
        session, principal, "directory.deleted", "directory", directory.id, path=path, files=len(files)
    )
    directory_repository.delete_directories(session, directory, below)
    return deletion


@dataclass(frozen=True, slots=True)
class Moved:
    """A folder that was moved just now."""

    directory: Directory
    before: str


def just_moved(session: Session, principal: Principal, directory_id: str) -> Moved | None:
    """What a page says of it; None where it has another path again, or is gone. Where it lay, the audit log says: an address
    may come from anybody."""
    directory = repository.find_directory(session, principal.workspace_id, directory_id)
    if directory is None:
        return None
    entry = audit_repository.last_about(session, principal.workspace_id, _MOVED, directory.id)
    if entry is None or entry.detail.get("path") != directory.path:
        return None
    return Moved(directory, str(entry.detail["before"]))
