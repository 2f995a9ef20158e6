"""The SQL of importing evaluations: their runs' rows, from the outputs that the export has."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, cast

import psycopg
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.evaluations.models import Evaluation, EvaluationEvaluator, Run
from app.evaluations.sharing_repository import PART_OF
from app.files.models import File, Version


class Output(NamedTuple):
    """What a row of a run came to."""

    run_id: str
    datapoint_id: str | None
    """None where the export does not say: the log is a row of its own."""
    repeat: int | None
    """None where the export does not say which of several outputs of a row it is."""
    log_id: str


def find_evaluation_ever(session: Session, evaluation_id: str) -> Evaluation | None:
    """An evaluation by its id alone, whosever it is."""
    return session.get(Evaluation, evaluation_id)


def kinds_of(session: Session, workspace_id: str, version_ids: Collection[str]) -> dict[str, str]:
    """The kind of file of each of the versions that the workspace has."""
    query = select(Version.id, File.kind).join(File, File.id == Version.file_id)
    query = query.where(Version.workspace_id == workspace_id, Version.id.in_(version_ids))
    return dict(session.execute(query).all())


def evaluations_of(session: Session, workspace_id: str, run_ids: Collection[str]) -> dict[str, set[str]]:
    """The evaluations that each of the runs is part of that the workspace has."""
    rows = session.execute(
        text(f"""
        select r.id, p.evaluation_id from run r join {PART_OF} p on p.run_id = r.id
        where r.workspace_id = :workspace and r.id = any(:runs)
        """),  # noqa: S608 - a constant
        {"workspace": workspace_id, "runs": list(run_ids)},
    )
    found: dict[str, set[str]] = {}
    for run_id, evaluation_id in rows:
        found.setdefault(run_id, set()).add(evaluation_id)
    return found


def evaluators_there(session: Session, evaluation_id: str) -> set[str]:
    query = select(EvaluationEvaluator.evaluator_version_id)
    return set(session.scalars(query.where(EvaluationEvaluator.evaluation_id == evaluation_id)))


def names_taken(session: Session, file_id: str) -> set[str]:
    """The names of the file's evaluations."""
    return set(session.scalars(select(Evaluation.name).where(Evaluation.file_id == file_id)))


def set_primary(session: Session, evaluation_id: str, version_id: str | None) -> None:
    """Choose the primary evaluator. It is no change of the evaluation: its `updated_at` stays."""
    values = {"primary_evaluator_id": version_id, "updated_at": Evaluation.updated_at}
    session.execute(update(Evaluation).where(Evaluation.id == evaluation_id).values(values))


def stage_outputs(session: Session, outputs: Iterable[Output]) -> None:
    """Copy outputs into a table that lives as long as the transaction. Memory stays flat."""
    session.execute(
        text("""
        create temp table given_output (seq int, run_id text, datapoint_id text, repeat int, log_id text)
        on commit drop
        """)
    )
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    copy_to = "copy given_output (seq, run_id, datapoint_id, repeat, log_id) from stdin"
    with connection.cursor().copy(copy_to) as copy:
        for number, output in enumerate(outputs):
            copy.write_row((number, *output))
    session.execute(text("analyze given_output"))


def create_items(session: Session, run: Run, rows: tuple[str, int] | None, *, waits: bool) -> int:
    """The items of a run, from the rows of a dataset version `(file id, number)`, if it has one, and the staged outputs;
    how many of the outputs found no place, because their log is not in the workspace.

    A row without an output is done with an error that says so, unless it `waits`, as in a run that was stopped. An output that is of no
    row, or where the run takes any log one more than were asked for, comes after them, in the order of the export. Where the
    run was looked at while it ran, rows are in the random order that they had.
    """
    file_id, number = rows or (None, None)
    parameters = {
        "run": run.id, "file": file_id, "number": number, "split": run.split, "repeats": run.repeats,
        "workspace": run.workspace_id, "waits": waits, "any_log": run.takes_any_log,
        "seed": run.evaluation_id if run.stops_by else None,
    }  # fmt: skip
    session.execute(
        text("""
        with known as (
            select distinct on (g.log_id) g.seq, coalesce(d.id, g.log_id) as datapoint_id, g.repeat, g.log_id, l.error,
                   l.run_id is distinct from :run and l.run_id is not null as reused
            from given_output g
            join log l on l.id = g.log_id and l.workspace_id = :workspace
            left join datapoint d on d.id = g.datapoint_id and d.workspace_id = :workspace
            where g.run_id = :run order by g.log_id, g.seq
        ), held as (
            select datapoint_id, position from dataset_row r
            where r.file_id = cast(:file as text) and r.from_number <= cast(:number as int)
              and (r.until_number is null or r.until_number > cast(:number as int))
              and (cast(:split as text) is null or r.split = :split)
        ), output as (  -- beside the dataset, repeats are counted from 0, whatever they were called
            select *, row_number() over (partition by datapoint_id order by case when is_held then null else repeat end, seq)
                ::int - 1 as counted
            from (select *, datapoint_id in (select datapoint_id from held) as is_held from known) known
        ), numbered as (
            select *, case when is_held then coalesce(repeat, counted) else counted end as k from output
        ), item as (
            select h.datapoint_id, 0 as beside, h.position, k, null as log_id from held h
            cross join generate_series(0, case when :any_log then :repeats
                else greatest(:repeats, (select max(n.k) + 1 from numbered n)) end - 1) k
            union all
            select o.datapoint_id, 1, o.seq, o.k, o.log_id from numbered o
            where (:any_log and o.k >= :repeats) or not o.is_held
        )
        insert into run_item (run_id, position, datapoint_id, repeat, state, log_id, reused, error)
        select :run, (row_number() over (order by i.beside, sha256(convert_to(cast(:seed as text) || i.datapoint_id, 'UTF8')),
                   i.position, i.datapoint_id, i.k) - 1)::int, i.datapoint_id, i.k,
               case when o.log_id is null and :waits then 'pending' else 'done' end,
               o.log_id, coalesce(o.reused, false),
               case when o.log_id is not null then o.error
                    when not :waits then 'The export has no output of this row.' end
        from item i left join numbered o
          on o.datapoint_id = i.datapoint_id and o.k = i.k and (i.log_id is null or o.log_id = i.log_id)
        """),
        parameters,
    )
    given = "select count(distinct log_id) from given_output where run_id = :run"
    placed = "select count(*) from run_item where run_id = :run and log_id is not null"
    return (session.scalar(text(given), parameters) or 0) - (session.scalar(text(placed), parameters) or 0)


def count_items(session: Session, run: Run) -> None:
    """Set the counters of a run from its items."""
    session.execute(
        text("""
        with counted as (
            select count(*) as items, count(*) filter (where state = 'done') as done,
                   count(*) filter (where state = 'done' and error is not null) as failed,
                   count(*) filter (where reused) as reused, coalesce(max(repeat), 0) + 1 as repeats
            from run_item where run_id = :run
        ), judged as (
            select count(*) as n from run_item i join judgment j on j.log_id = i.log_id
            join evaluation_evaluator e on e.evaluator_version_id = j.evaluator_version_id
            where i.run_id = :run and e.evaluation_id = :evaluation
        )
        update run set items_count = c.items, done_count = c.done, failed_count = c.failed, reused_count = c.reused,
            left_count = least(run.left_count, c.items - c.done),
            repeats = case when run.dataset_version_id is null or run.version_id is null then run.repeats
                else greatest(run.repeats, c.repeats) end, judgments_count = judged.n
        from counted c, judged where run.id = :run
        """),
        {"run": run.id, "evaluation": run.evaluation_id},
    )


def count_outputs(session: Session, workspace_id: str, run_ids: Collection[str]) -> dict[str, int]:
    """How many outputs each of the runs has that the workspace has."""
    query = text("""
        select r.id, count(i.log_id) from run r left join run_item i on i.run_id = r.id
        where r.workspace_id = :workspace and r.id = any(:runs) group by 1
    """)
    return dict(session.execute(query, {"workspace": workspace_id, "runs": list(run_ids)}).all())
