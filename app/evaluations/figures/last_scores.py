"""The last score of a version by each evaluator, as the API shows it of files."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.evaluations import repository
from app.files.models import Version
from app.files.repository import find_versions


def aggregates_of(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The last score of each version by each evaluator that gave one."""
    scores = repository.list_version_scores(session, [version.id for version in versions])
    evaluators = {
        version.id: version
        for version in find_versions(
            session, versions[0].workspace_id, {score.evaluator_version_id for score in scores}
        )
    }
    found: dict[str, list[dict[str, Any]]] = {version.id: [] for version in versions}
    for score in scores:
        if evaluator := evaluators.get(score.evaluator_version_id):
            found[score.version_id].append(
                {
                    "value": score.value,
                    "evaluator_id": evaluator.file_id,
                    "evaluator_version_id": evaluator.id,
                    "created_at": score.at,
                    "updated_at": score.at,
                }
            )
    return found
