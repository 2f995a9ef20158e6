"""A run is scored by one at a time, and by another where that one died or failed."""

import threading
import time

import pytest
from sqlalchemy import text

from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.evaluations import recovery_repository, repository, run_service
from app.evaluations.figures import score_repository, scoring
from app.evaluations.models import Run
from tests import factories


@pytest.fixture
def unscored(committed_team: factories.Team) -> Run:
    """An ended run whose scores are out of date: two of its four rows are right."""
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin, 4)
        labels = factories.evaluator(session, admin, "class_match")
        evaluation = factories.evaluation(session, admin, prompt, labels)
        run = factories.started_run(session, admin, evaluation, prompt, rows)
        factories.finish_run(session, run, ["0", "1", "x", "x"])
        repository.forget_scores(session, run.id)
    return run


def _score(run: Run) -> None:
    with unit_of_work() as session:
        scoring.score_run(session, run.id)


def _scored(run: Run) -> bool:
    with unit_of_work() as session:
        return bool(session.scalar(text("select scored_at from run where id = :run"), {"run": run.id}))


def test_nothing_is_done_while_somebody_else_is_at_it(unscored: Run) -> None:
    with unit_of_work() as session:
        assert score_repository.claim(session, unscored.id, 60)
    _score(unscored)
    assert not _scored(unscored)

    with unit_of_work() as session:
        score_repository.release(session, unscored.id)
    _score(unscored)
    assert _scored(unscored)


def test_who_died_at_it_is_succeeded(unscored: Run) -> None:
    with unit_of_work() as session:
        assert score_repository.claim(session, unscored.id, 0)
    _score(unscored)
    assert _scored(unscored)


def test_who_failed_at_it_leaves_it_to_the_next(unscored: Run) -> None:
    version = "select evaluator_version_id from evaluation_evaluator where evaluation_id = :evaluation"
    with unit_of_work() as session:
        kept = session.execute(
            text(f"select id, spec::text from version where id in ({version})"),
            {"evaluation": unscored.evaluation_id},
        ).one()
        session.execute(text("update version set spec = '{}' where id = :id"), {"id": kept[0]})
    with pytest.raises(Invalid):
        _score(unscored)
    with unit_of_work() as session:
        session.execute(
            text("update version set spec = cast(:spec as jsonb) where id = :id"),
            {"id": kept[0], "spec": kept[1]},
        )
    _score(unscored)
    assert _scored(unscored)


def test_a_run_that_was_reopened_meanwhile_is_not_called_scored(unscored: Run) -> None:
    scorer = threading.Thread(target=_score, args=[unscored])
    with unit_of_work() as session:
        # It can be claimed, and its scores cannot be kept.
        session.execute(text("select from run where id = :run for key share"), {"run": unscored.id})
        scorer.start()
        time.sleep(2)  # it has read what there was, and waits for us
        again = repository.find_run_to_work_on(session, unscored.id)
        assert again
        session.execute(
            text("update run_item set state = 'pending' where run_id = :run and position = 0"),
            {"run": again.id},
        )
        run_service.restart(session, again)
    scorer.join()
    assert not _scored(unscored)
    with unit_of_work() as session:
        assert not score_repository.claim(session, unscored.id, 60), "it goes on"


def test_an_old_run_that_is_judged_again_is_looked_after(unscored: Run) -> None:
    """Its job may be lost, and it ended long ago."""
    with unit_of_work() as session:
        session.execute(
            text("update run set finished_at = now() - interval '3 days' where id = :run"),
            {"run": unscored.id},
        )
        assert unscored.id in recovery_repository.unscored_runs(session)
