"""Evaluations that stop as soon as it is clear, and share runs with others: who ends what, and what may be wrong in all."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations import repository, run_service, service, sharing, stopping_rules
from app.evaluations.engine import stopping
from app.evaluations.models import Evaluation, Run
from app.files.models import File
from tests import factories
from tests.evaluations.clear import (
    NOWHERE,
    ROWS,
    World,
    begin,
    right,
    write_first_of,
    wrong_in_the_second_half,
)

pytestmark = pytest.mark.usefixtures("database", "redis_url")


def _another(
    session: Session, team: factories.Team, world: World, name: str, **options: bool
) -> tuple[Evaluation, Run]:
    """A further evaluation of the same file by the same score, with a run of a version of its own."""
    first = repository.find_run_to_work_on(session, world.baseline.id)
    (exact,) = repository.list_evaluators(session, world.evaluation.id)
    file = session.get(File, world.evaluation.file_id)
    made = service.create_evaluation(session, team.admin, file=file, name=name, evaluators=[exact], **options)
    version = factories.prompt(
        session,
        team.admin,
        file.path,
        provider="endpoint",
        model="m",
        template=f"ECHO<{{{{b}}}}> {name} {{{{n}}}}",
    )
    run = factories.started_run(session, team.admin, made, version, first.dataset_version, concurrency=10)
    return made, run


def test_a_run_that_is_shown_beside_shares_the_level_too(committed_team: factories.Team) -> None:
    world = begin(committed_team, NOWHERE, right, right)
    with unit_of_work() as session:
        _, run = _another(session, committed_team, world, "other")
        sharing.add_run(session, session.get(Evaluation, world.evaluation.id), run.id)
    assert [run.comparisons for run in world.read()] == [2, 2]
    with unit_of_work() as session:
        evaluation = session.get(Evaluation, world.evaluation.id)
        sharing.remove_run(session, committed_team.admin, evaluation, session.get(Run, run.id))
        stopping_rules.share_level(session, evaluation)
    assert [run.comparisons for run in world.read()] == [2, 2], "who was looked at counts, though it is gone"


def test_a_baseline_that_another_evaluation_began_goes_on(committed_team: factories.Team) -> None:
    """What one evaluation sees is no reason to end a run that another one is still looking at."""
    world = begin(committed_team, NOWHERE, wrong_in_the_second_half, right)
    with unit_of_work() as session:
        other, run = _another(session, committed_team, world, "other", stops_when_clear=True)
        baseline = sharing.add_run(session, other, world.baseline.id)
        run_service.set_control(session, other, baseline)
        write_first_of(session, baseline.id, ROWS, "a")
        write_first_of(session, run.id, 500, "b")
        _miss_the_last_row(session, baseline.id, other.id)
    with unit_of_work() as session:
        assert stopping.look(session, other.id)
        ended = session.get(Run, run.id)
        assert ended.clear_after == 500
        assert ended.cancel_requested_at
        going = session.get(Run, baseline.id)
        assert (going.status, going.clear_after, going.cancel_requested_at) == ("running", None, None)


def _miss_the_last_row(session: Session, run_id: str, seed: str) -> None:
    """The run goes on, for the row that comes last in the random order of an evaluation."""
    session.execute(
        text("""
        update run_item set state = 'pending', log_id = null where run_id = :run and datapoint_id = (
            select datapoint_id from run_item where run_id = :run
            order by sha256(convert_to(cast(:seed as text) || datapoint_id, 'UTF8')) desc limit 1)
        """),
        {"run": run_id, "seed": seed},
    )
    session.execute(
        text(
            "update run set status = 'running', finished_at = null, done_count = done_count - 1 where id = :run"
        ),
        {"run": run_id},
    )
