"""The SQL of evaluations and their runs."""

import itertools
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session, joinedload

from app.evaluations.models import (
    ENDED,
    Evaluation,
    EvaluationEvaluator,
    Run,
    RunScore,
    VersionScore,
)
from app.evaluations.sharing_repository import evaluations_of, is_part_of, runs_by_evaluation
from app.evaluators.binding import is_judged_here
from app.files.models import File, FileKind, Version
from app.workspaces.models import Workspace


def find_evaluation(session: Session, workspace_id: str, evaluation_id: str) -> Evaluation | None:
    query = select(Evaluation).where(Evaluation.workspace_id == workspace_id, Evaluation.id == evaluation_id)
    return session.scalar(query)


def find_evaluation_by_name(session: Session, file_id: str, name: str) -> Evaluation | None:
    return session.scalar(select(Evaluation).where(Evaluation.file_id == file_id, Evaluation.name == name))


def list_evaluations(
    session: Session,
    workspace_id: str,
    *,
    file_id: str | None = None,
    search: str = "",
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Evaluation], int]:
    """Evaluations, newest first, and how many there are; `search` looks in their names and their files' paths."""
    query = select(Evaluation).where(Evaluation.workspace_id == workspace_id)
    if file_id:
        query = query.where(Evaluation.file_id == file_id)
    if search:
        found = or_(*(column.icontains(search, autoescape=True) for column in (Evaluation.name, File.path)))
        query = query.join(File, File.id == Evaluation.file_id).where(found)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).offset(offset).limit(limit)
    return list(session.scalars(query)), total


def newest_evaluations(session: Session, workspace_id: str, limit: int) -> list[Evaluation]:
    """The last evaluations of a workspace, newest first."""
    query = select(Evaluation).where(Evaluation.workspace_id == workspace_id)
    return list(
        session.scalars(query.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).limit(limit))
    )


def keep_finding(session: Session, evaluation_id: str, finding: dict[str, Any]) -> None:
    """Keep what an evaluation found. It is no change of the evaluation: its `updated_at` stays."""
    session.execute(
        text("update evaluation set finding = cast(:finding as jsonb) where id = :evaluation"),
        {"evaluation": evaluation_id, "finding": orjson.dumps(finding).decode()},
    )


def unnamed_subjects(session: Session, evaluations: Sequence[Evaluation]) -> set[str]:
    """Those of the evaluations of which nobody has said yet what they are about: an evaluator holds their place."""
    of = {evaluation.file_id for evaluation in evaluations}
    query = select(File.id).where(File.id.in_(of), File.kind == FileKind.EVALUATOR)
    held = set(session.scalars(query)) if of else set()
    return {evaluation.id for evaluation in evaluations if evaluation.file_id in held}


def name_subject(session: Session, evaluation: Evaluation, file_id: str) -> None:
    """Say what an evaluation is about, where nobody has said so. A name that one of that file has already gets a number."""
    if evaluation.file_id == file_id or not unnamed_subjects(session, [evaluation]):
        return
    taken = set(session.scalars(select(Evaluation.name).where(Evaluation.file_id == file_id)))
    names = (f"{evaluation.name} ({number})" for number in itertools.count(2))
    if evaluation.name in taken:
        evaluation.name = next(name for name in names if name not in taken)
    evaluation.file_id = file_id
    session.flush()


def find_last_evaluation(session: Session, file_id: str) -> Evaluation | None:
    """The newest evaluation of a file."""
    query = select(Evaluation).where(Evaluation.file_id == file_id)
    return session.scalar(query.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).limit(1))


def find_version_file(session: Session, version_id: str | None) -> str | None:
    """The id of the file that a version belongs to."""
    return session.scalar(select(Version.file_id).where(Version.id == version_id)) if version_id else None


def find_last_run_on(session: Session, workspace_id: str, dataset_file_id: str) -> Run | None:
    """The newest completed run on any version of a dataset."""
    query = (
        select(Run)
        .join(Version, Version.id == Run.dataset_version_id)
        .where(
            Run.workspace_id == workspace_id, Version.file_id == dataset_file_id, Run.status == "completed"
        )
        .order_by(Run.created_at.desc(), Run.id.desc())
        .limit(1)
    )
    return session.scalar(query.options(*_RUN_DETAIL))


def list_scored_runs(
    session: Session, file_id: str, evaluator_version_id: str, dataset_file_id: str, limit: int
) -> list[Run]:
    """The last completed runs of a file on a dataset, one a version, that an evaluator has scored; newest first."""
    query = (
        select(Run)
        .join(VersionScore, VersionScore.run_id == Run.id)
        .join(Version, Version.id == Run.dataset_version_id)
        .where(
            VersionScore.file_id == file_id,
            VersionScore.evaluator_version_id == evaluator_version_id,
            Version.file_id == dataset_file_id,
        )
        .order_by(VersionScore.at.desc(), VersionScore.run_id.desc())
        .limit(limit)
    )
    return list(session.scalars(query.options(*_RUN_DETAIL)))


def list_evaluators(session: Session, evaluation_id: str) -> list[Version]:
    """The evaluator versions of an evaluation, with their files, in the order they were added."""
    query = (
        select(Version)
        .join(EvaluationEvaluator, EvaluationEvaluator.evaluator_version_id == Version.id)
        .where(EvaluationEvaluator.evaluation_id == evaluation_id)
        .order_by(EvaluationEvaluator.position, Version.id)
        .options(joinedload(Version.file))
    )
    return list(session.scalars(query))


def list_judges(session: Session, evaluation_ids: Sequence[str]) -> list[Version]:
    """Those of the evaluator versions, with their files, whose verdicts our workers give."""
    found = {
        link.version.id: link.version
        for link in list_evaluator_links(session, evaluation_ids)
        if link.orchestrated and is_judged_here(link.version.spec)
    }
    return list(found.values())


def list_run_judges(session: Session, run_id: str) -> list[Version]:
    """The same of a run: those of every evaluation that it is part of."""
    return list_judges(session, evaluations_of(session, run_id))


def list_run_evaluators(session: Session, run_id: str) -> list[Version]:
    """The evaluator versions, with their files, of every evaluation that a run is part of."""
    links = list_evaluator_links(session, evaluations_of(session, run_id))
    return list({link.version.id: link.version for link in links}.values())


def list_evaluator_links(session: Session, evaluation_ids: Sequence[str]) -> list[EvaluationEvaluator]:
    """Which evaluators each of the evaluations has, with versions and files."""
    query = (
        select(EvaluationEvaluator)
        .where(EvaluationEvaluator.evaluation_id.in_(evaluation_ids))
        .order_by(EvaluationEvaluator.position)
        .options(joinedload(EvaluationEvaluator.version).joinedload(Version.file))
    )
    return list(session.scalars(query))


def remove_evaluator(session: Session, evaluation_id: str, evaluator_version_id: str) -> bool:
    """Take an evaluator out of an evaluation; whether it was in it."""
    link = session.get(EvaluationEvaluator, (evaluation_id, evaluator_version_id))
    if link:
        session.delete(link)
    return link is not None


_RUN_DETAIL = (
    joinedload(Run.version).joinedload(Version.file),
    joinedload(Run.dataset_version).joinedload(Version.file),
)


def find_run(session: Session, evaluation_id: str, run_id: str) -> Run | None:
    """A run of an evaluation, with its version and dataset."""
    query = select(Run).where(Run.id == run_id, is_part_of([evaluation_id]))
    return session.scalar(query.options(*_RUN_DETAIL))


def find_run_of(session: Session, workspace_id: str, run_id: str) -> Run | None:
    """A run of a workspace, whatever evaluation it is part of, with its version and dataset."""
    query = select(Run).where(Run.workspace_id == workspace_id, Run.id == run_id)
    return session.scalar(query.options(*_RUN_DETAIL))


def find_evaluation_to_work_on(session: Session, evaluation_id: str) -> Evaluation | None:
    """An evaluation by its id alone: for workers, who get ids from us and never from people."""
    return session.get(Evaluation, evaluation_id)


def find_run_to_work_on(session: Session, run_id: str) -> Run | None:
    """A run by its id alone: for workers, who get ids from us and never from people."""
    query = select(Run).where(Run.id == run_id)
    return session.scalar(query.options(*_RUN_DETAIL))


def list_runs(session: Session, evaluation_ids: Sequence[str]) -> list[Run]:
    """The runs of evaluations, newest first, with their versions and datasets."""
    query = select(Run).where(is_part_of(evaluation_ids))
    return list(session.scalars(query.order_by(Run.created_at.desc(), Run.id.desc()).options(*_RUN_DETAIL)))


def workers_are_busy(session: Session) -> bool:
    """Whether results of any run came in lately: a run that was not begun then only waits its turn."""
    return bool(
        session.scalar(
            text("""
            select exists (
                select from run where status = 'running' and progressed_at > now() - interval '30 seconds')
            """)
        )
    )


def lock_run(session: Session, run_id: str) -> bool:
    """Hold a run until the transaction ends, so that its state changes one step at a time; whether it is there."""
    return session.scalar(select(Run.id).where(Run.id == run_id).with_for_update()) is not None


def lock_evaluation(session: Session, evaluation_id: str) -> None:
    """Hold an evaluation until the transaction ends: no run begins in it, or moves to it."""
    session.execute(select(Evaluation.id).where(Evaluation.id == evaluation_id).with_for_update())


def lock_items(session: Session, run_ids: Sequence[str]) -> None:
    """Hold every item of runs until the transaction ends: whoever writes them has finished then."""
    session.execute(
        text("select from run_item where run_id = any(:runs) order by run_id, position for update"),
        {"runs": list(run_ids)},
    )


def delete_run(session: Session, run_id: str) -> bool:
    """Delete a run with all that belongs to it; whether it was there."""
    return session.scalar(delete(Run).where(Run.id == run_id).returning(Run.id)) is not None


def delete_evaluation(session: Session, evaluation_id: str) -> None:
    """Delete an evaluation with all that belongs to it."""
    session.execute(delete(Evaluation).where(Evaluation.id == evaluation_id))


def cancel_shards(session: Session, run_id: str) -> None:
    """Take the shards of a run that nobody works on out of the queue."""
    session.execute(
        text("update shard set state = 'cancelled' where run_id = :run and state = 'queued'"), {"run": run_id}
    )


def reopen_failed(
    session: Session, run_id: str, evaluator_version_ids: Sequence[str], *, outputs: bool = True
) -> int:
    """Make failed items pending again, unless not `outputs`, and those that one of these evaluators failed on; how many.

    An item keeps its output where only a judgment failed: the evaluator alone is asked again. The failed
    judgments go, the logs of failed calls stay.
    """
    failed = "j.error is not null and j.author = '' and j.evaluator_version_id = any(:evaluators)"
    with_failed_judgment = f"""
        select i.position, i.log_id from run_item i
        where i.run_id = :run and i.state = 'done' and i.error is null and exists (
            select from judgment j where j.log_id = i.log_id and {failed})
    """  # noqa: S608 - the condition above
    session.execute(text("drop table if exists reopened"))
    session.execute(
        text(f"""
        create temp table reopened on commit drop as
        select position, null::text as log_id from run_item
        where run_id = :run and state = 'done' and error is not null and :outputs
        union all {with_failed_judgment}
        """),  # noqa: S608 - the statement above
        {"run": run_id, "evaluators": list(evaluator_version_ids), "outputs": outputs},
    )
    session.execute(
        text(f"delete from judgment j where {failed} and j.log_id in (select log_id from reopened)"),  # noqa: S608
        {"evaluators": list(evaluator_version_ids)},
    )
    result = session.execute(
        text("""
        with changed as (
            update run_item i set state = 'pending', log_id = r.log_id, error = null, losses = 0
            from reopened r, run_item old
            where i.run_id = :run and i.position = r.position and old.run_id = i.run_id and old.position = i.position
            returning old.error is not null as failed
        ), counts as (select count(*) as n, count(*) filter (where failed) as failed from changed)
        update run set done_count = done_count - counts.n, failed_count = failed_count - counts.failed
        from counts where id = :run returning counts.n
        """),
        {"run": run_id},
    )
    return int(result.scalar_one())


def reopen_unjudged(session: Session, run_id: str, evaluator_version_id: str) -> int:
    """Make items pending again that have an output which this evaluator has not judged, and can; how many.

    Of a log that was never completed, or is not kept any more, it would have no verdict however often it was asked.
    """
    result = session.execute(
        text("""
        with changed as (
            update run_item i set state = 'pending'
            from log l
            where i.run_id = :run and i.state = 'done' and l.id = i.log_id and l.status = 'complete'
              and l.payload_cleared_at is null and (
                select true from judgment j  -- row by row: of an evaluator that is new, Postgres expects no judgments
                where j.log_id = i.log_id and j.evaluator_version_id = :evaluator and j.author = '' limit 1) is null
            returning i.error
        ), counts as (select count(*) as n, count(*) filter (where error is not null) as failed from changed)
        update run set done_count = done_count - counts.n, failed_count = failed_count - counts.failed
        from counts where id = :run returning counts.n
        """),
        {"run": run_id, "evaluator": evaluator_version_id},
    )
    return int(result.scalar_one())


def forget_scores(session: Session, run_id: str) -> bool:
    """Mark an ended run, which is locked, as judged anew; whether nobody had marked it since it was scored."""
    was_scored = session.scalar(select(Run.scored_at).where(Run.id == run_id)) is not None
    ended = update(Run).where(Run.id == run_id, Run.status.in_(ENDED))
    marked = ended.values(scored_at=None, progressed_at=func.clock_timestamp()).returning(Run.id)
    return session.scalar(marked) is not None and was_scored


def note_progress_elsewhere(session: Session, run_id: str) -> bool:
    """Note that something came for a run that goes on, and whose outputs come from elsewhere; whether it is one."""
    going = Run.status.in_(["pending", "running"]), Run.orchestrated.is_(False)
    noted = update(Run).where(Run.id == run_id, *going).values(progressed_at=func.now()).returning(Run.id)
    return session.scalar(noted) is not None


def list_run_scores(session: Session, run_ids: Sequence[str]) -> list[RunScore]:
    query = select(RunScore).where(RunScore.run_id.in_(run_ids))
    return list(session.scalars(query.order_by(RunScore.slice)))


def list_version_scores(session: Session, version_ids: Sequence[str]) -> list[VersionScore]:
    """The last scores of versions, newest first."""
    query = select(VersionScore).where(VersionScore.version_id.in_(version_ids))
    return list(session.scalars(query.order_by(VersionScore.at.desc())))


def list_file_scores(session: Session, file_ids: Sequence[str]) -> list[VersionScore]:
    """The last scores of all versions of the files, newest first."""
    query = select(VersionScore).where(VersionScore.file_id.in_(file_ids))
    return list(session.scalars(query.order_by(VersionScore.at.desc())))


def count_runs(session: Session, evaluation_ids: Sequence[str]) -> dict[str, int]:
    """How many runs each evaluation has."""
    return {key: len(runs) for key, runs in runs_by_evaluation(session, evaluation_ids).items()}


def workspace_slug(session: Session, workspace_id: str) -> str:
    """The part of the workspace's pages' addresses."""
    return session.scalars(select(Workspace.slug).where(Workspace.id == workspace_id)).one()
