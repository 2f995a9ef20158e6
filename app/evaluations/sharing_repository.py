"""The SQL of which evaluations a run is part of: the one that it was begun in, and those that show it beside."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Subquery, select, text, union_all
from sqlalchemy.orm import Session

from app.evaluations.models import Run, SharedRun

PART_OF = (
    "(select id as run_id, evaluation_id from run union all select run_id, evaluation_id from shared_run)"
)
"""Which runs are part of which evaluations, for statements."""


def is_part_of(evaluation_ids: Collection[str]) -> ColumnElement[bool]:
    """The condition that a run is part of one of the evaluations."""
    own = select(Run.id).where(Run.evaluation_id.in_(evaluation_ids))
    shared = select(SharedRun.run_id).where(SharedRun.evaluation_id.in_(evaluation_ids))
    return Run.id.in_(union_all(own, shared))


def part_of() -> Subquery:
    """The same for queries: `run_id` and `evaluation_id`."""
    own = select(Run.id.label("run_id"), Run.evaluation_id)
    return union_all(own, select(SharedRun.run_id, SharedRun.evaluation_id)).subquery("part_of")


def evaluations_of(session: Session, run_id: str) -> list[str]:
    """The evaluations that a run is part of."""
    rows = session.scalars(
        text(f"select evaluation_id from {PART_OF} p where run_id = :run order by 1"),  # noqa: S608 - the constant above
        {"run": run_id},
    )
    return list(rows)


def runs_by_evaluation(session: Session, evaluation_ids: Sequence[str]) -> dict[str, set[str]]:
    """The runs that are part of each of the evaluations."""
    rows = session.execute(
        text(f"select evaluation_id, run_id from {PART_OF} p where evaluation_id = any(:evaluations)"),  # noqa: S608
        {"evaluations": list(evaluation_ids)},
    )
    found: dict[str, set[str]] = {evaluation_id: set() for evaluation_id in evaluation_ids}
    for evaluation_id, run_id in rows:
        found[evaluation_id].add(run_id)
    return found


def find_controls(session: Session, evaluation_ids: Sequence[str]) -> dict[str, str]:
    """The run that is the baseline in each of the evaluations that has one."""
    rows = session.execute(
        text("""
        select evaluation_id, id from run where evaluation_id = any(:evaluations) and control
        union all select evaluation_id, run_id from shared_run where evaluation_id = any(:evaluations) and control
        """),
        {"evaluations": list(evaluation_ids)},
    )
    return {row[0]: row[1] for row in rows}


def find_control(session: Session, evaluation_id: str) -> str | None:
    """The run that is the baseline in an evaluation."""
    return find_controls(session, [evaluation_id]).get(evaluation_id)


def set_control(session: Session, evaluation_id: str, run_id: str | None) -> None:
    """Make a run the only baseline of an evaluation that it is part of; None: there is none."""
    for query in (
        "update run set control = id is not distinct from :run where evaluation_id = :evaluation "
        "and control <> (id is not distinct from :run)",
        "update shared_run set control = run_id is not distinct from :run where evaluation_id = :evaluation",
    ):
        session.execute(text(query), {"evaluation": evaluation_id, "run": run_id})


def share(session: Session, evaluation_id: str, run_id: str) -> bool:
    """Have another evaluation show a run; False where it is part of it."""
    if evaluation_id in evaluations_of(session, run_id):
        return False
    session.add(SharedRun(evaluation_id=evaluation_id, run_id=run_id))
    session.flush()
    return True


def leave(session: Session, evaluation_id: str, run_id: str) -> bool:
    """Take a run out of an evaluation; False where it is part of no other, and stays.

    One that was begun there is from then on at home in the evaluation that has shown it longest.
    """
    there = {"evaluation": evaluation_id, "run": run_id}
    query = "delete from shared_run where evaluation_id = :evaluation and run_id = :run returning run_id"
    if session.scalar(text(query), there):
        return True
    moved = session.scalar(
        text("""
        with next as (
            select s.evaluation_id, s.control, s.added_at from shared_run s join evaluation e on e.id = s.evaluation_id
            where s.run_id = :run order by s.added_at, s.evaluation_id limit 1
            for key share of e  -- one that is being deleted is waited for, and passed by
        ), gone as (
            delete from shared_run s using next where s.run_id = :run and s.evaluation_id = next.evaluation_id
        )
        update run set evaluation_id = next.evaluation_id, control = next.control, joined_at = next.added_at
        from next where run.id = :run and run.evaluation_id = :evaluation returning run.id
        """),
        there,
    )
    return moved is not None


def runs_at_home(session: Session, evaluation_id: str) -> list[str]:
    """The runs that were begun in an evaluation, or left to it."""
    return list(session.scalars(select(Run.id).where(Run.evaluation_id == evaluation_id).order_by(Run.id)))


def shared_at_home(session: Session, evaluation_id: str) -> list[str]:
    """The runs that were begun in an evaluation, and that others show, too."""
    query = """
        select id from run r where evaluation_id = :evaluation
        and exists (select from shared_run s where s.run_id = r.id) order by id
    """
    return list(session.scalars(text(query), {"evaluation": evaluation_id}))
