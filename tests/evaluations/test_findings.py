"""What lists say of evaluations: kept once for everybody, and never out of date."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import unit_of_work
from app.evaluations import repository, run_service, service
from app.evaluations.figures import findings, scoring
from app.evaluations.models import Evaluation, Run
from tests import factories
from tests.statements import recorded


@pytest.fixture
def compared(committed_team: factories.Team) -> tuple[Principal, Evaluation, list[Run]]:
    """Two finished runs of 60 rows, the second better by half of them."""
    admin = committed_team.admin
    with unit_of_work() as session:
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60)
        exact = factories.evaluator(session, admin, "exact", "tests/Right answer")
        evaluation = factories.evaluation(session, admin, old, exact)
        runs = [factories.started_run(session, admin, evaluation, version, rows) for version in (old, new)]
        for run, right in zip(runs, (20, 50), strict=True):
            factories.finish_run(session, run, [f"answer {n}" if n < right else "no" for n in range(60)])
    return admin, evaluation, runs


def _found(session: Session, admin: Principal) -> findings.Finding:
    return findings.list_page(session, admin, "", 1)[0][0]


def test_a_finished_run_leaves_its_finding_for_readers(compared, database: Engine) -> None:
    admin, _, _ = compared
    with unit_of_work() as session, recorded(database) as seen:
        found = _found(session, admin)

    assert found.headline.text == "v2 is better than v1 by 50.0 points on Right answer"
    assert found.state == "completed"
    assert [run.version.number for run in found.runs] == [1, 2]
    assert not any("run_item" in statement for statement in seen), "no statistics are worked out again"


def test_another_baseline_is_another_finding(compared) -> None:
    admin, evaluation, runs = compared
    with unit_of_work() as session:
        found = service.get_evaluation(session, admin, evaluation.id)
        before = found.updated_at
        run_service.set_control(session, found, run_service.get_run(session, found, runs[1].id))
    with unit_of_work() as session:
        assert _found(session, admin).headline.text == "v1 is worse than v2 by 50.0 points on Right answer"
        assert _found(session, admin).evaluation.updated_at == before


def test_a_page_of_findings_costs_as_many_queries_as_one(compared, database: Engine) -> None:
    admin, _, runs = compared
    with unit_of_work() as session, recorded(database) as few:
        _found(session, admin)
    with unit_of_work() as session:
        version, rows = runs[0].version, runs[0].dataset_version
        exact = factories.evaluator(session, admin, "exact", "tests/Right answer")
        for _ in range(4):
            another = factories.evaluation(session, admin, version, exact)
            run = factories.started_run(session, admin, another, version, rows, fresh=True)
            factories.finish_run(session, run, ["no"] * 60)
    with unit_of_work() as session, recorded(database) as many:
        found, total = findings.list_page(session, admin, "", 1)

    assert total == len(found) == 5
    assert len(many) == len(few)


def test_a_run_that_ended_at_its_cap_leaves_better_scores_alone(compared) -> None:
    admin, _, runs = compared
    with unit_of_work() as session:
        exact = factories.evaluator(session, admin, "exact", "tests/Right answer")
        run = repository.find_run_to_work_on(session, runs[1].id)
        assert run
        another = factories.evaluation(session, admin, run.version, exact)
        capped = factories.started_run(session, admin, another, run.version, run.dataset_version, fresh=True)
        session.execute(
            text(
                "update run_item set state = 'done', error = 'not run: cap of $1.00 reached' where run_id = :run and position >= 5"
            ),
            {"run": capped.id},
        )
        factories.finish_run(session, capped, ["no"] * 5)
        session.execute(
            text("update run set status = 'completed', finished_at = now() where id = :run"),
            {"run": capped.id},
        )
        scoring.score_run(session, capped.id)
        kept = session.execute(
            text("select value, n from version_score where version_id = :version"),
            {"version": run.version_id},
        ).all()
    assert [tuple(row) for row in kept] == [(pytest.approx(50 / 60), 60)]
