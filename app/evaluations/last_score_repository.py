"""The SQL of the scores that lists show: the last one of each version, by the evaluator that its question is about."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, contains_eager

from app.evaluations.models import Evaluation, Run, VersionScore
from app.files.models import File, Version


class LastScore(NamedTuple):
    """A version's last score by the primary evaluator of the evaluation that measured it."""

    score: VersionScore
    version_number: int
    evaluator: Version
    """With its file."""


def list_last_scores(session: Session, file_ids: Sequence[str]) -> dict[str, list[LastScore]]:
    """The primary scores of each file's versions, those of the newest version first."""
    evaluator, evaluator_file = aliased(Version), aliased(File)
    query = (
        select(VersionScore, Version.number, evaluator)
        .join(Run, Run.id == VersionScore.run_id)
        .join(Evaluation, Evaluation.id == Run.evaluation_id)
        .join(Version, Version.id == VersionScore.version_id)
        .join(evaluator, evaluator.id == VersionScore.evaluator_version_id)
        .join(evaluator_file, evaluator_file.id == evaluator.file_id)
        .options(contains_eager(evaluator.file.of_type(evaluator_file)))
        .where(
            VersionScore.file_id.in_(file_ids),
            Evaluation.primary_evaluator_id == VersionScore.evaluator_version_id,
        )
        .order_by(VersionScore.file_id, Version.number.desc(), VersionScore.at.desc())
    )
    found: dict[str, list[LastScore]] = {}
    for score, number, version in session.execute(query):
        found.setdefault(score.file_id, []).append(LastScore(score, number, version))
    return found


def find_subjects(session: Session, file_ids: Collection[str]) -> dict[str, File]:
    """The files that evaluations are about, by id; deleted ones included, for their reports stay."""
    return {file.id: file for file in session.scalars(select(File).where(File.id.in_(file_ids)))}
