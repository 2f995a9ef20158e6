"""The SQL that finds the evaluators which lie beside a prompt, those that matter most for it first."""

from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session, aliased

from app.evaluations.models import Evaluation, EvaluationEvaluator
from app.files.models import File, FileKind, Version


def list_beside(session: Session, file: File, limit: int) -> list[str]:
    """The ids of the evaluators in a prompt's folder: first those that its evaluations had, the newest before, then those that
    any evaluation had, then the others by their paths."""
    query = (
        select(File.id)
        .where(
            File.workspace_id == file.workspace_id,
            File.kind == FileKind.EVALUATOR,
            File.deleted_at.is_(None),
            File.directory_id == file.directory_id,
        )
        .order_by(
            _last_used(file.id).desc().nulls_last(),
            _last_used(None).desc().nulls_last(),
            File.path,
        )
    )
    return list(session.scalars(query.limit(limit)))


def _last_used(prompt_id: str | None) -> ScalarSelect[datetime]:
    """When an evaluation was made that has the evaluator: one of this prompt, or any."""
    version = aliased(Version)
    query = (
        select(func.max(Evaluation.created_at))
        .join(EvaluationEvaluator, EvaluationEvaluator.evaluation_id == Evaluation.id)
        .join(version, version.id == EvaluationEvaluator.evaluator_version_id)
        .where(version.file_id == File.id)
        .correlate(File)
    )
    if prompt_id is not None:
        query = query.where(Evaluation.file_id == prompt_id)
    return query.scalar_subquery()
