"""Which versions of other evaluators a composite holds, and whether there are newer ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.files import repository
from app.files.models import FileKind


@dataclass(frozen=True, slots=True)
class PartVersion:
    """What a composite holds of one evaluator, by numbers of versions."""

    file_id: str
    held: int
    taken: int
    """What saving the composite would take: the version that its path leads to."""
    newest: int


def versions_of_parts(
    session: Session, workspace_id: str, parts: Sequence[Mapping[str, Any]]
) -> dict[str, PartVersion]:
    """By path, of the parts that are versions of evaluators which are still there under that path."""
    ids = {str(part["version_id"]): str(part.get("path")) for part in parts if part.get("version_id")}
    held = {ids[one.id]: one for one in repository.find_versions(session, workspace_id, ids)}
    found = {
        file.path: file
        for file in repository.find_files_by_path(session, workspace_id, list(held))
        if file.kind == FileKind.EVALUATOR and held[file.path].file_id == file.id
    }
    file_ids = [file.id for file in found.values()]
    taken = repository.shown_versions(session, file_ids)
    newest = repository.newest_versions(session, file_ids)
    return {
        path: PartVersion(file.id, held[path].number, taken[file.id].number, newest[file.id].number)
        for path, file in found.items()
        if file.id in taken
    }
