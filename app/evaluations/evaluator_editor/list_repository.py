"""The SQL of the list of evaluators: what there is, where it is used, and what it last said."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased, contains_eager

from app.evaluations.figures.last_score_repository import LastScore
from app.evaluations.models import Evaluation, EvaluationEvaluator, Run, VersionScore
from app.evaluations.sharing_repository import part_of
from app.files.models import File, FileKind, Version


class EvaluatorEntry(NamedTuple):
    """An evaluator, as far as it takes to find and order it."""

    id: str
    path: str
    updated_at: datetime
    number: int
    """Of its newest version."""
    type: str | None
    kind: str | None
    """Of a built-in one."""


def list_evaluators(session: Session, workspace_id: str) -> list[EvaluatorEntry]:
    """Every evaluator of a workspace that has a version, in no order."""
    query = (
        select(
            File.id,
            File.path,
            File.updated_at,
            Version.number,
            Version.spec["evaluator_type"].astext,
            Version.spec["kind"].astext,
        )
        .join(Version, Version.file_id == File.id)
        .where(
            File.workspace_id == workspace_id,
            File.kind == FileKind.EVALUATOR,
            File.deleted_at.is_(None),
        )
        .ext(distinct_on(File.id))
        .order_by(File.id, Version.number.desc())
    )
    return [EvaluatorEntry(*row) for row in session.execute(query)]


class Uses(NamedTuple):
    """Where an evaluator is used."""

    evaluations: int
    last_run_at: datetime | None
    """When a run last began that it judges."""


def count_uses(session: Session, file_ids: Sequence[str]) -> dict[str, Uses]:
    """How many evaluations have a version of each evaluator; those that none has are left out."""
    part = part_of()
    query = (
        select(
            Version.file_id,
            func.count(EvaluationEvaluator.evaluation_id.distinct()),
            func.max(Run.created_at),
        )
        .join(EvaluationEvaluator, EvaluationEvaluator.evaluator_version_id == Version.id)
        .outerjoin(part, part.c.evaluation_id == EvaluationEvaluator.evaluation_id)
        .outerjoin(Run, Run.id == part.c.run_id)
        .where(Version.file_id.in_(file_ids))
        .group_by(Version.file_id)
    )
    return {row[0]: Uses(row[1], row[2]) for row in session.execute(query)}


class Composite(NamedTuple):
    """An evaluator that is made of several."""

    file_id: str
    path: str
    number: int
    """Of its newest version."""


def list_composites(
    session: Session, workspace_id: str, file_ids: Sequence[str]
) -> dict[str, list[Composite]]:
    """The evaluators that each of some is a part of, in any version of it; those that are a part of none are left out."""
    rows = session.execute(
        text("""
        with newest as (
            select distinct on (f.id) f.id, f.path, v.number, v.spec
            from file f join version v on v.file_id = f.id
            where f.workspace_id = :workspace and f.kind = 'evaluator' and f.deleted_at is null
            order by f.id, v.number desc
        )
        select distinct held.file_id, newest.id, newest.path, newest.number
        from newest cross join lateral jsonb_path_query(newest.spec::jsonb, '$.settings.parts[*].version_id') as part
        join version held on held.id = part #>> '{}'
        where newest.spec->>'kind' = 'composite' and held.file_id = any(:files)
        order by newest.path, newest.id
        """),
        {"workspace": workspace_id, "files": list(file_ids)},
    )
    found: dict[str, list[Composite]] = {}
    for held, *composite in rows:
        found.setdefault(held, []).append(Composite(*composite))
    return found


def last_scores_by(session: Session, workspace_id: str, file_ids: Sequence[str]) -> dict[str, LastScore]:
    """The last score that each evaluator gave; the scored version comes with its file."""
    judge, scored_file, judge_file = aliased(Version), aliased(File), aliased(File)
    query = (
        select(VersionScore, Version, judge)
        .join(judge, judge.id == VersionScore.evaluator_version_id)
        .join(judge_file, judge_file.id == judge.file_id)
        .join(Version, Version.id == VersionScore.version_id)
        .join(scored_file, scored_file.id == Version.file_id)
        .options(contains_eager(judge.file.of_type(judge_file)))
        .options(contains_eager(Version.file.of_type(scored_file)))
        .where(VersionScore.workspace_id == workspace_id, judge.file_id.in_(file_ids))
        .ext(distinct_on(judge.file_id))
        .order_by(judge.file_id, VersionScore.at.desc(), VersionScore.version_id)
    )
    return {row[2].file_id: LastScore(*row) for row in session.execute(query)}


class Use(NamedTuple):
    """An evaluation that has a version of an evaluator."""

    evaluation: Evaluation
    subject: str
    """The path of what it is about."""
    number: int
    """Of the evaluator's version."""
    last_run_at: datetime | None


def list_uses(session: Session, file_id: str, limit: int) -> list[Use]:
    """The newest evaluations that have a version of an evaluator."""
    part = part_of()
    runs = select(func.max(Run.created_at)).join(part, part.c.run_id == Run.id)
    last_run = runs.where(part.c.evaluation_id == Evaluation.id).scalar_subquery()
    query = (
        select(Evaluation, File.path, Version.number, last_run)
        .join(EvaluationEvaluator, EvaluationEvaluator.evaluation_id == Evaluation.id)
        .join(Version, Version.id == EvaluationEvaluator.evaluator_version_id)
        .join(File, File.id == Evaluation.file_id)
        .where(Version.file_id == file_id)
        .order_by(Evaluation.created_at.desc(), Evaluation.id, Version.number.desc())
        .limit(limit)
    )
    return [Use(*row) for row in session.execute(query)]
