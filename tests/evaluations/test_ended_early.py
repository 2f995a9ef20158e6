"""Runs that somebody ends before their time: at once, and nothing of what was done is lost."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.evaluations import recovery_repository, run_service, service, shard_repository
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.figures import report, scoring
from app.evaluations.verdicts.plan import load_plan
from tests import factories
from tests.web import signed_in, with_key

ROWS = 6


class Halfway:
    """A run of which a worker has written two rows and holds the others."""

    def __init__(self, session: Session, team: factories.Team) -> None:
        admin = self.admin = team.admin
        self.version = factories.prompt(session, admin)
        self.rows = factories.dataset(session, admin, ROWS)
        self.exact = factories.evaluator(session, admin)
        self.evaluation = factories.evaluation(session, admin, self.version, self.exact)
        self.begin(session)
        self.write(session, 0, 1)
        session.refresh(self.run)

    def begin(self, session: Session, **options: object) -> None:
        self.run = factories.started_run(
            session, self.admin, self.evaluation, self.version, self.rows, **options
        )
        self.plan = load_plan(session, self.run.id)
        claimed = shard_repository.claim_next(session, "slot", self.run.id)
        assert claimed is not None
        shard_repository.start_run(session, self.run.id)
        self.items = shard_repository.pending_items(session, claimed.shard_id)

    def write(self, session: Session, *rows: int) -> None:
        outcomes = [factories.outcome(self.plan, self.items[row], f"answer {row}") for row in rows]
        write_outcomes(session, self.plan, "slot", outcomes)

    def scored_rows(self, session: Session) -> int:
        return session.scalar(
            text("select n from run_score where run_id = :run and slice = ''"), {"run": self.run.id}
        )


@pytest.fixture
def half(session: Session, redis_url: str) -> Halfway:
    return Halfway(session, factories.team(session))


def test_what_is_in_flight_at_the_end_is_kept_and_scored(session: Session, half: Halfway) -> None:
    run_service.complete_run(session, half.run)
    run_service.complete_run(session, half.run)
    scoring.score_run(session, half.run.id)
    before = half.scored_rows(session)
    wanted = shard_repository.renew(session, "slot", half.run.id).wanted
    half.write(session, 2)
    shard_repository.give_back(session, "slot", half.run.id)
    session.refresh(half.run)
    again = half.run.scored_at is None
    scoring.score_run(session, half.run.id)

    assert (half.run.status, wanted, again) == ("completed", False, True)
    assert (half.run.done_count, half.run.failed_count, half.run.items_count) == (3, 0, ROWS)
    assert (before, half.scored_rows(session)) == (2, 3)
    states = session.execute(
        text("select state, count(*) from shard where run_id = :run group by 1"), {"run": half.run.id}
    )
    assert {row[0] for row in states} == {"cancelled"}
    assert recovery_repository.reshard_stranded(session) == []
    assert recovery_repository.runs_to_finish(session, 0) == []


def test_rows_that_were_not_run_can_be_resumed(session: Session, half: Halfway) -> None:
    run_service.complete_run(session, half.run)
    run_service.resume_run(session, half.run)
    factories.finish_run(session, half.run, [f"answer {row}" for row in range(2, ROWS)])

    assert (half.run.status, half.run.done_count) == ("completed", ROWS)
    with pytest.raises(Conflict, match="this one is completed"):
        run_service.resume_run(session, half.run)


def test_part_of_the_rows_takes_no_score_of_all_of_them_away(session: Session, half: Halfway) -> None:
    run_service.complete_run(session, half.run)
    run_service.resume_run(session, half.run)
    factories.finish_run(session, half.run, ["wrong"] * (ROWS - 2))
    of = "select n from version_score where version_id = :version"
    whole = session.scalar(text(of), {"version": half.version.id})
    half.begin(session, fresh=True)
    half.write(session, 0)
    run_service.complete_run(session, half.run)
    scoring.score_run(session, half.run.id)

    assert (whole, session.scalar(text(of), {"version": half.version.id})) == (ROWS, ROWS)


def test_an_evaluator_that_comes_later_judges_what_there_is(session: Session, half: Halfway) -> None:
    run_service.complete_run(session, half.run)
    late = factories.evaluator(session, half.admin, "contains", text="answer")
    service.add_evaluators(session, half.evaluation, [late])
    plan = load_plan(session, half.run.id)
    claimed = shard_repository.claim_next(session, "late", half.run.id)
    assert claimed is not None
    items = shard_repository.pending_items(session, claimed.shard_id)

    assert [item.position for item in items] == [0, 1], "no other row is run for it"
    assert all(item.log_id for item in items)
    assert {judge.version_id for judge in plan.judges} == {half.exact.id, late.id}
    assert (half.run.status, half.run.done_count, half.run.failed_count) == ("running", ROWS - 2, ROWS - 2)


def test_a_cancelled_run_does_not_become_completed(session: Session, half: Halfway) -> None:
    run_service.cancel_run(session, half.run)
    with pytest.raises(Conflict, match="Resume it"):
        run_service.complete_run(session, half.run)


def test_the_api_answers_the_run_and_pages_say_what_was_not_run(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    with unit_of_work() as session:
        half = Halfway(session, committed_team)
        other = factories.prompt(session, committed_team.admin, half.version.file.path, temperature=0.1)
        second = factories.started_run(session, committed_team.admin, half.evaluation, other, half.rows)
        factories.finish_run(session, second, ["answer 0"] * ROWS)
    with_key(client, committed_team.admin)
    address = f"/v5/evaluations/{half.evaluation.id}/runs/{half.run.id}"
    ended = client.patch(address, json={"status": "completed"})
    with unit_of_work() as session:
        scoring.score_run(session, half.run.id)
    slug = committed_team.workspace.slug
    pages = f"/w/{slug}/evaluations"
    signed_in(client, committed_team.admin)
    shown = client.get(f"{pages}/{half.evaluation.id}").text

    assert (ended.status_code, ended.json()["status"], ended.json()["done_count"]) == (200, "completed", 2)
    assert f"{ROWS - 2} not run." in shown
    assert f"/runs/{half.run.id}/resume" in shown
    assert "baseline" in shown
    cleared = client.patch(address, json={"control": False})
    assert (cleared.status_code, cleared.json()["control"]) == (200, False)
    same = client.patch(f"{address.rsplit('/', 1)[0]}/{second.id}", json={"control": False})
    assert same.json()["control"] is False
    for path in (
        "",
        f"/{half.evaluation.id}",
        f"/{half.evaluation.id}/rows",
        f"/{half.evaluation.id}/rows/1",
    ):
        answer = client.get(f"{pages}{path}")
        assert answer.status_code == 200, answer.text
    assert "Choose a baseline to compare." in client.get(f"{pages}/{half.evaluation.id}").text
    with unit_of_work() as session:
        assert report.build_report(session, half.evaluation).candidates == []
    assert client.patch(address, json={"control": True}).json()["control"] is True
