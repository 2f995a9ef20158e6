"""One path is one thing: a file or a folder, and nothing lies in a file."""

from itertools import count

from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.files import repository
from app.files.models import File
from app.files.paths import LONGEST_NAME, LONGEST_PATH, folders_above, parent_of


def refuse_folder(session: Session, workspace_id: str, path: str, file: File | None = None) -> None:
    """Keep a file (`file`, or a new one) from a path that is a folder's, or lies in a file.

    Raises:
        Conflict: it is or does.
    """
    if repository.find_directory_by_path(session, workspace_id, path):
        raise Conflict(f"`{path}` is a folder. Choose another name, or delete the folder first.")
    refuse_file_above(session, workspace_id, path, file)


def refuse_file_above(session: Session, workspace_id: str, path: str, file: File | None = None) -> None:
    """Keep a path from lying in a file; one that moves away, `file`, is none any more.

    Raises:
        Conflict: a part of the path is a file.
    """
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    for found in repository.find_files_by_path(session, workspace_id, above):
        if file is None or found.id != file.id:
            raise Conflict(
                f"`{found.path}` is a {found.kind}, and nothing can lie in it. Choose another path."
            )


def free_path(session: Session, workspace_id: str, path: str, word: str, *, as_it_is: bool = True) -> str:
    """A path where a file can lie: this one, if it is free and may stay `as_it_is`, or else one beside it whose name says
    `word`. Where its folder has become a file, it is one beside that."""
    above = repository.find_files_by_path(session, workspace_id, list(folders_above(path)))
    folder = parent_of(above[0].path if above else path)
    name = path.rpartition("/")[2]
    for number in count(0 if as_it_is else 1):
        said = {0: "", 1: f" ({word})"}.get(number, f" ({word} {number})")
        room = min(LONGEST_NAME, LONGEST_PATH - len(folder) - 1) - len(said)
        wanted = f"{folder}/{name[:room].rstrip()}{said}".lstrip("/")
        if not _is_taken(session, workspace_id, wanted):
            return wanted
    raise AssertionError("numbers do not end")


def _is_taken(session: Session, workspace_id: str, path: str) -> bool:
    return bool(
        repository.find_file_by_path(session, workspace_id, path)
        or repository.find_directory_by_path(session, workspace_id, path)
    )
