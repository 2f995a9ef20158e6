"""One path is one thing: a file or a folder, and nothing lies in a file."""

from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.files import repository
from app.files.models import File


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
