"""Rows that were left because it was clear stay left, until somebody has the rest run: whatever else is done with the run."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations import run_service, service, shard_repository
from app.evaluations.engine import stopping
from app.evaluations.figures import scoring
from app.evaluations.figures.report import build_report
from app.evaluations.models import Evaluation, Run
from app.evaluations.reports.early_end import EarlyEnd, early_end
from tests import factories
from tests.endpoint import running_endpoint
from tests.evaluations.clear import (
    NOWHERE,
    ROWS,
    World,
    begin,
    ended,
    right,
    work,
    write_first,
    wrong_in_the_second_half,
)

pytestmark = pytest.mark.usefixtures("database", "redis_url")
DONE = 95
LEFT = f"not run: it was clear after {DONE} of {ROWS} rows"


def _early(world: World) -> EarlyEnd:
    with unit_of_work() as session:
        found = early_end(build_report(session, session.get(Evaluation, world.evaluation.id)))
        assert found
        return found


def _add_evaluator(team: factories.Team, world: World) -> str:
    with unit_of_work() as session:
        late = factories.evaluator(session, team.admin, "contains", "clear/late", text="right")
        service.add_evaluators(session, session.get(Evaluation, world.evaluation.id), [late])
        return late.id


def _judged(world: World, evaluator_id: str) -> int:
    with unit_of_work() as session:
        return session.scalar(
            text("""
            select count(*) from judgment j join run_item i on i.log_id = j.log_id
            where i.run_id = any(:runs) and j.evaluator_version_id = :evaluator and j.error is null
            """),
            {"runs": world.runs, "evaluator": evaluator_id},
        )


def test_a_late_evaluator_judges_what_ran_and_nothing_else(committed_team: factories.Team) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    before = _early(world)
    late = _add_evaluator(committed_team, world)
    while_judged = _early(world)
    work()
    again = _early(world)
    assert [(run.status, run.done_count, run.failed_count) for run in world.read()] == [
        ("completed", DONE, 0)
    ] * 2
    assert [run.not_run for run in world.read()] == [LEFT] * 2
    assert _judged(world, late) == 2 * DONE
    assert before.sentence == while_judged.sentence == again.sentence
    assert before.saved == while_judged.saved == again.saved, "judging later has saved nothing more"
    with unit_of_work() as session:
        run_service.resume_run(session, session.get(Run, world.candidate.id))
    assert _todo(world.candidate.id) == ROWS - DONE


def test_an_evaluator_that_was_added_before_the_end_judges_what_ran(committed_team: factories.Team) -> None:
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        write_first(session, world, DONE)
    late = _add_evaluator(committed_team, world)
    with unit_of_work() as session:
        assert stopping.look(session, world.evaluation.id)
    with unit_of_work() as session:
        for run_id in world.runs:
            stopping.leave(session, "lost", run_id)
    work()
    assert [(run.status, run.done_count, run.not_run) for run in world.read()] == [
        ("completed", DONE, LEFT)
    ] * 2
    assert _judged(world, late) == 2 * DONE


def _todo(run_id: str) -> int:
    """How many items of a run a worker would be given."""
    found = 0
    with unit_of_work() as session:
        while claimed := shard_repository.claim_next(session, "counting", run_id):
            found += len(shard_repository.pending_items(session, claimed.shard_id))
        session.rollback()
    return found


def _fail(session: Session, run_id: str, rows: int) -> None:
    session.execute(
        text("update run_item set error = 'boom', log_id = null where run_id = :run and position < :rows"),
        {"run": run_id, "rows": rows},
    )
    session.execute(
        text("update run set failed_count = :rows where id = :run"), {"run": run_id, "rows": rows}
    )


def test_only_the_failed_rows_are_run_again(committed_team: factories.Team) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        _fail(session, world.candidate.id, 3)
    with unit_of_work() as session:
        assert run_service.retry_failed(session, session.get(Run, world.candidate.id)) == 3
    assert _todo(world.candidate.id) == 3
    assert "v1 had run 95 and v2 95 by then" in _early(world).sentence
    work()
    run = world.read()[1]
    assert (run.status, run.done_count, run.not_run) == ("completed", DONE, LEFT)


@pytest.mark.parametrize("end", [run_service.complete_run, run_service.cancel_run])
def test_who_runs_the_rest_and_stops_it_did_that_and_not_the_clear_score(
    committed_team: factories.Team, end
) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        for run_id in world.runs:
            run_service.resume_run(session, session.get(Run, run_id))
    assert _early(world).sentence == "It was clear after 95 of 600 rows; the rest is run all the same."
    with unit_of_work() as session:
        for run_id in world.runs:
            end(session, session.get(Run, run_id))
    early = _early(world)
    assert (
        early.sentence
        == "It was clear after 95 of 600 rows; the rest was begun all the same, until somebody stopped it."
    )
    assert (early.saved, early.rows_saved) == ("", 0)
    assert [run.not_run for run in world.read()] == [None, None]


def test_the_rest_of_one_run_was_not_in_flight(committed_team: factories.Team) -> None:
    with running_endpoint(5) as endpoint:
        world = begin(committed_team, endpoint.base_url, wrong_in_the_second_half, right)
        work()
        ran = world.read()
        with unit_of_work() as session:
            run_service.resume_run(session, session.get(Run, world.candidate.id))
        work()
    (clear_after,) = {run.clear_after for run in ran}
    early = _early(world)
    assert early.sentence == (
        f"Stopped after {clear_after} of 600 rows, because it was clear. With what was in flight, v1 had run"
        f" {ran[0].done_count} by then. Of v2, the rest was run all the same."
    )
    assert early.rows_saved == ROWS - ran[0].done_count


def test_outputs_that_are_there_save_no_call_that_nobody_would_have_made(
    committed_team: factories.Team,
) -> None:
    """Of 600 rows 400 have an output of an earlier run, wherever they stand in the random order."""
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        session.execute(
            text("""
            update run_item set reused = true where run_id = any(:runs) and position % 3 > 0
            """),
            {"runs": world.runs},
        )
        session.execute(text("update run set reused_count = 400 where id = any(:runs)"), {"runs": world.runs})
        write_first(session, world, 90)
        # each row of the 30 that had none took a call
        session.execute(
            text("update run set calls_count = 30, spent_usd = 0.03 where id = any(:runs)"),
            {"runs": world.runs},
        )
    with unit_of_work() as session:
        assert stopping.look(session, world.evaluation.id)
    with unit_of_work() as session:
        for run_id in world.runs:
            stopping.leave(session, "lost", run_id)
            scoring.score_run(session, run_id)
    early = _early(world)
    assert (early.rows_saved, early.calls_saved) == (2 * 170, 2 * 170)
    assert float(early.usd_saved) == pytest.approx(2 * 170 * 0.001)
    assert "Saved: 340 answers, about 340 calls, $0.34" in early.saved


def test_where_all_is_there_nothing_is_saved(committed_team: factories.Team) -> None:
    world = ended(committed_team, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        session.execute(
            text("""
            update run set reused_count = 600, left_reused_count = left_count, calls_count = 0, spent_usd = 0
            where id = any(:runs)
            """),
            {"runs": world.runs},
        )
    early = _early(world)
    assert early.saved == ""
    assert early.sentence.startswith("Stopped after 95 of 600 rows")
