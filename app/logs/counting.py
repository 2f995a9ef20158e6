"""How many logs an evaluator has: its judgments, as lists of its logs have them. Other files count theirs as they are written."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.pagination import EXACT_TOTAL
from app.files.models import FileKind, Version
from app.logs import verdict_repository


def judgments_of_versions(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """How many judgments each evaluator's version has made, counted no further than the totals of lists."""
    wanted = [version.id for version in versions if version.file.kind == FileKind.EVALUATOR]
    return verdict_repository.count_by_version(session, wanted, EXACT_TOTAL) if wanted else {}


def judgments_of_files(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The same of all versions of its file, by the version's id."""
    files = {version.id: version.file_id for version in versions if version.file.kind == FileKind.EVALUATOR}
    if not files:
        return {}
    counted = verdict_repository.count_by_file(session, set(files.values()), EXACT_TOTAL)
    return {version_id: counted.get(file_id, 0) for version_id, file_id in files.items()}
