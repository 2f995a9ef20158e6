"""What a workspace lets its runs ask for: by the page and the API, for runs by either."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.database import unit_of_work
from app.workspaces.models import AuditEntry
from tests import factories
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def team(client: TestClient, committed_team: factories.Team) -> factories.Team:
    with_key(client, committed_team.admin)
    return committed_team


def _run(client: TestClient, team: factories.Team, **asked: object):
    """What starting a run answers."""
    with unit_of_work() as session:
        prompt = factories.prompt(session, team.admin, "limited")
        rows = factories.dataset(session, team.admin, 2, "limited rows")
        judge = factories.evaluator(session, team.admin, "exact", "limited exact")
        evaluation = factories.evaluation(session, team.admin, prompt, judge)
        ids = evaluation.id, prompt.id, rows.id
    body = {"version": {"version_id": ids[1]}, "dataset": {"version_id": ids[2]}, **asked}
    return client.post(f"/v5/evaluations/{ids[0]}/runs", json=body)


def test_without_one_a_run_asks_for_what_the_engine_does(client: TestClient, team: factories.Team) -> None:
    assert client.get("/v5/run-limits").json() == {"most_concurrency": 500, "usual_concurrency": 20}
    assert _run(client, team, concurrency=500).status_code == 200


def test_a_run_over_it_is_refused_and_one_that_does_not_ask_keeps_to_it(
    client: TestClient, team: factories.Team
) -> None:
    set_to = client.put("/v5/run-limits", json={"most_concurrency": 5})
    assert set_to.json() == {"most_concurrency": 5, "usual_concurrency": 5}
    refused = _run(client, team, concurrency=6)
    assert refused.status_code == 422
    assert "Between 1 and 5" in refused.text


def test_a_run_that_does_not_ask_keeps_to_it(client: TestClient, team: factories.Team) -> None:
    client.put("/v5/run-limits", json={"most_concurrency": 5}).raise_for_status()
    started = _run(client, team)
    assert started.status_code == 200, started.text
    assert started.json()["concurrency"] == 5


@pytest.mark.parametrize("wrong", [0, 501, -1, 2.5, "x"])
def test_it_is_a_whole_number_up_to_what_the_engine_does(
    client: TestClient, team: factories.Team, wrong: object
) -> None:
    assert client.put("/v5/run-limits", json={"most_concurrency": wrong}).status_code == 422
    assert client.get("/v5/run-limits").json()["most_concurrency"] == 500


def test_the_form_sets_it_takes_it_away_and_the_new_page_keeps_to_it(
    client: TestClient, team: factories.Team
) -> None:
    _run(client, team).raise_for_status()  # there is something to evaluate
    del client.headers["x-api-key"]
    signed_in(client, team.admin)
    base = f"/w/{team.workspace.slug}"
    address, csrf = f"{base}/settings/limits", csrf_of(client)
    assert client.post(address, data={"most_concurrency": "7", "_csrf": csrf}).status_code == 303
    assert 'name="most_concurrency" inputmode="numeric" value="7"' in client.get(address).text
    proposed = client.get(f"{base}/evaluations/new").text
    assert re.search(r'name="concurrency"[^>]* value="7"', proposed), "what the page proposes"

    wrong = client.post(address, data={"most_concurrency": "a lot", "_csrf": csrf})
    assert wrong.status_code == 422
    assert 'value="a lot"' in wrong.text
    assert client.post(address, data={"most_concurrency": "", "_csrf": csrf}).status_code == 303
    with unit_of_work() as session:
        query = select(AuditEntry.detail).where(AuditEntry.action == "run_limits.changed")
        changes = [
            (detail["was"], detail["most_concurrency"])
            for detail in session.scalars(query.order_by(AuditEntry.id))
        ]
    assert changes == [(None, 7), (7, None)]
