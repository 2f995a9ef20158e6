"""The SQL of who judges the outputs of runs: evaluators that came late, and those whose judgments come from elsewhere."""

from collections.abc import Collection

from sqlalchemy import and_, case, func, or_, select, text
from sqlalchemy.orm import Session

from app.evaluations.models import Evaluation, EvaluationEvaluator, Run, SharedRun
from app.evaluations.sharing_repository import PART_OF
from app.evaluators.binding import is_judged_here
from app.files.models import Version


def late_evaluators(session: Session, run_id: str) -> list[Version]:
    """The evaluator versions that were not yet part of the evaluation when the run began, and that our workers may judge by;
    those of evaluations included that began to show it since."""
    # A run that was begun elsewhere is part of its home, as of others, from when that began to show it.
    since = case(
        (Run.evaluation_id == EvaluationEvaluator.evaluation_id, Run.joined_at), else_=SharedRun.added_at
    )
    shared = and_(SharedRun.run_id == Run.id, SharedRun.evaluation_id == EvaluationEvaluator.evaluation_id)
    late = (
        select(EvaluationEvaluator.evaluator_version_id)
        .join(Run, Run.id == run_id)
        .outerjoin(SharedRun, shared)
        .where(
            EvaluationEvaluator.orchestrated,
            or_(Run.evaluation_id == EvaluationEvaluator.evaluation_id, SharedRun.run_id.is_not(None)),
            func.greatest(EvaluationEvaluator.added_at, since)
            >= func.coalesce(Run.started_at, Run.created_at),
        )
    )
    return list(session.scalars(select(Version).where(Version.id.in_(late))))


LEFT_TO_CALLERS = f"""(
    select p.run_id, e.evaluator_version_id from {PART_OF} p
    join evaluation_evaluator e on e.evaluation_id = p.evaluation_id
    where p.run_id = any(:runs) group by 1, 2 having not bool_or(e.orchestrated))"""  # noqa: S608 - a constant
"""Which evaluators' judgments of which of the runs are sent, because none of a run's evaluations has the workers judge."""


def left_to_callers(session: Session, run_ids: Collection[str]) -> set[tuple[str, str]]:
    """The same as pairs of a run and an evaluator version."""
    rows = session.execute(
        text(f"select run_id, evaluator_version_id from {LEFT_TO_CALLERS} l"),  # noqa: S608 - the constant above
        {"runs": list(run_ids)},
    )
    return {(row[0], row[1]) for row in rows}


def runs_with_output(session: Session, log_id: str, evaluator_version_id: str) -> list[tuple[str, str]]:
    """The runs, with their evaluations, in which a row came to this log, and that have this evaluator; in one order for all."""
    rows = session.execute(
        text(f"""
        select distinct p.run_id, p.evaluation_id from run_item i join {PART_OF} p on p.run_id = i.run_id
        join evaluation_evaluator e on e.evaluation_id = p.evaluation_id
        where i.log_id = :log and e.evaluator_version_id = :evaluator order by p.run_id, p.evaluation_id
        """),  # noqa: S608 - a constant
        {"log": log_id, "evaluator": evaluator_version_id},
    )
    return [(row[0], row[1]) for row in rows]


def is_judged_by_workers(session: Session, log_id: str, evaluator: Version) -> bool:
    """Whether the log is the output of a run whose evaluation has our workers judge by a version of this evaluator."""
    found = session.scalar(
        text(f"""
        select exists (
            select from run_item i join {PART_OF} p on p.run_id = i.run_id
            join evaluation_evaluator e on e.evaluation_id = p.evaluation_id
            join version v on v.id = e.evaluator_version_id
            where i.log_id = :log and v.file_id = :file and e.orchestrated)
        """),  # noqa: S608 - a constant
        {"log": log_id, "file": evaluator.file_id},
    )
    return bool(found)


def evaluations_to_join(session: Session, log_id: str, evaluator: Version) -> list[Evaluation]:
    """The evaluations in which a row came to this log, and that an evaluator becomes part of with its judgment: those that
    have another version of it only, for whose judgments they wait; and that in which a run began which the log was sent for, where
    it is a program that none of the run's evaluations knows."""
    rows = session.scalars(
        text(f"""
        select distinct p.evaluation_id from run_item i join {PART_OF} p on p.run_id = i.run_id
        join run r on r.id = i.run_id join log l on l.id = i.log_id
        where i.log_id = :log and not exists (
            select from evaluation_evaluator o
            where o.evaluation_id = p.evaluation_id and o.evaluator_version_id = :version
        ) and (
            :external and not r.orchestrated and r.status <> 'cancelled' and not i.reused and l.status = 'complete'
            and p.evaluation_id = r.evaluation_id and not exists (
                select from {PART_OF} q join evaluation_evaluator e on e.evaluation_id = q.evaluation_id
                join version v on v.id = e.evaluator_version_id
                where q.run_id = r.id and v.file_id = :file)
            or exists (
                select from evaluation_evaluator e join version v on v.id = e.evaluator_version_id
                where e.evaluation_id = p.evaluation_id and v.file_id = :file and (:elsewhere or not e.orchestrated)))
        """),  # noqa: S608 - a constant
        {
            "log": log_id,
            "file": evaluator.file_id,
            "version": evaluator.id,
            "external": evaluator.spec.get("evaluator_type") == "external",
            "elsewhere": not is_judged_here(evaluator.spec),
        },
    )
    query = select(Evaluation).where(Evaluation.id.in_(list(rows)))
    return list(session.scalars(query.order_by(Evaluation.id).with_for_update()))
