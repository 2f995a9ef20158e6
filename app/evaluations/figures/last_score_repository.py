"""The SQL of the scores that lists show: the last one of each version, by the evaluator that its question is about."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from app.evaluations.models import Evaluation, Run, RunScore, VersionScore
from app.evaluations.sharing_repository import part_of
from app.files.models import File, Version


class LastScore(NamedTuple):
    """A version's last score by the primary evaluator of the evaluation that measured it."""

    score: VersionScore
    version: Version
    evaluator: Version
    """With its file."""


def list_last_scores(session: Session, file_ids: Sequence[str]) -> dict[str, list[LastScore]]:
    """The primary scores of each file's versions, those of the newest version first."""
    evaluator, evaluator_file, part = aliased(Version), aliased(File), part_of()
    is_primary = (
        select(Evaluation.id)
        .join(part, part.c.evaluation_id == Evaluation.id)
        .where(
            part.c.run_id == VersionScore.run_id,
            Evaluation.primary_evaluator_id == VersionScore.evaluator_version_id,
        )
        .exists()
    )
    query = (
        select(VersionScore, Version, evaluator)
        .join(Version, Version.id == VersionScore.version_id)
        .join(evaluator, evaluator.id == VersionScore.evaluator_version_id)
        .join(evaluator_file, evaluator_file.id == evaluator.file_id)
        .options(contains_eager(evaluator.file.of_type(evaluator_file)))
        .where(VersionScore.file_id.in_(file_ids), is_primary)
        .order_by(VersionScore.file_id, Version.number.desc(), VersionScore.at.desc())
    )
    found: dict[str, list[LastScore]] = {}
    for score, version, judge in session.execute(query):
        found.setdefault(score.file_id, []).append(LastScore(score, version, judge))
    return found


class KeptScore(NamedTuple):
    """A version's last score by one evaluator, and the run that it comes from."""

    score: VersionScore
    method: str
    """How its interval was made; empty where that is not known."""
    clusters: int | None
    run: Run
    """With its dataset version and that one's file."""
    evaluation: Evaluation


def find_measured_evaluation(session: Session, file_id: str) -> Evaluation | None:
    """The newest evaluation of a file in which a finished run has a score by the primary evaluator."""
    part = part_of()
    query = (
        select(Evaluation)
        .join(part, part.c.evaluation_id == Evaluation.id)
        .join(Run, Run.id == part.c.run_id)
        .join(
            RunScore,
            and_(
                RunScore.run_id == Run.id,
                RunScore.evaluator_version_id == Evaluation.primary_evaluator_id,
                RunScore.slice == "",
                RunScore.value.is_not(None),
            ),
        )
        .where(Evaluation.file_id == file_id, Run.status == "completed")
        .order_by(Evaluation.created_at.desc(), Evaluation.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def list_kept_scores(session: Session, file_id: str, evaluator_version_id: str) -> dict[str, KeptScore]:
    """The last score of each version of a file by an evaluator, by version id."""
    query = (
        select(VersionScore, RunScore.method, RunScore.clusters, Run, Evaluation)
        .join(Run, Run.id == VersionScore.run_id)
        .join(Evaluation, Evaluation.id == Run.evaluation_id)
        .outerjoin(
            RunScore,
            and_(
                RunScore.run_id == Run.id,
                RunScore.evaluator_version_id == VersionScore.evaluator_version_id,
                RunScore.slice == "",
            ),
        )
        .options(joinedload(Run.dataset_version).joinedload(Version.file))
        .where(VersionScore.file_id == file_id, VersionScore.evaluator_version_id == evaluator_version_id)
    )
    return {
        score.version_id: KeptScore(score, method or "", clusters, run, evaluation)
        for score, method, clusters, run, evaluation in session.execute(query)
    }


def find_subjects(session: Session, file_ids: Collection[str]) -> dict[str, File]:
    """The files that evaluations are about, by id; deleted ones included, for their reports stay."""
    return {file.id: file for file in session.scalars(select(File).where(File.id.in_(file_ids)))}
