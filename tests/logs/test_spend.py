"""What calls cost is counted as they are logged; a budget warns, then stops whatever would call a model."""

import re
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Role
from app.core.database import unit_of_work
from app.core.errors import Invalid, OverBudget
from app.logs import budget, repository, spend_repository
from app.logs.records import LogRecord
from tests import factories
from tests.web import csrf_of, signed_in, with_key


def _log(team: factories.Team, file_id: str, usd: str = "0.25", **more) -> LogRecord:
    now = clock.now().isoformat()
    return LogRecord(
        ids.new_id("log"), team.workspace.id, file_id, "prv_x", "editor", now, now,
        model="big", prompt_cost=usd, output_cost=usd, **more,
    )  # fmt: skip


def test_calls_are_counted_once_by_day_file_and_model(session: Session) -> None:
    team = factories.team(session)
    prompt = factories.prompt(session, team.admin)
    logs = [
        _log(team, prompt.file_id),
        _log(team, prompt.file_id, attempts=3, error="no"),
        _log(team, "pr_gone"),
    ]
    repository.insert_logs(session, logs)
    repository.insert_logs(session, logs)
    repository.insert_logs(session, [_log(team, prompt.file_id, attempts=0)])  # a row that was not called

    month = budget.this_month()
    files = spend_repository.list_files_spend(session, team.workspace.id, month)
    models = spend_repository.list_models_spend(session, team.workspace.id, month)
    assert [(f.name, f.usd, f.calls, f.failed) for f in files] == [
        (prompt.file.path, Decimal(1), 4, 1),
        ("a deleted file", Decimal("0.5"), 1, 0),
    ]
    assert [(m.name, m.usd, m.calls) for m in models] == [("big", Decimal("1.5"), 5)]
    assert spend_repository.month_spend(session, team.workspace.id, month) == Decimal("1.5")
    assert spend_repository.list_daily_spend(session, team.workspace.id, prompt.file_id, 30)[0].logs == 4
    assert spend_repository.month_spend(session, factories.team(session).workspace.id, month) == 0


def test_each_provider_has_its_share_and_pages_say_so(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        file_id = factories.prompt(session, committed_team.admin).file_id
        named = ["practice", "practice", "elsewhere"]
        logs = [_log(committed_team, file_id, provider=name) for name in named]
        repository.insert_logs(session, [*logs, _log(committed_team, file_id)])
        found = spend_repository.list_providers_spend(
            session, committed_team.workspace.id, budget.this_month()
        )
    assert {each.name: (each.usd, each.calls) for each in found} == {
        "practice": (Decimal(1), 2),
        "elsewhere": (Decimal("0.5"), 1),
        "": (Decimal("0.5"), 1),
    }
    client = with_key(client, committed_team.admin)
    url = "http://127.0.0.1:9/v1"
    client.post("/v5/providers", json={"name": "elsewhere", "base_url": url}).raise_for_status()
    del client.headers["x-api-key"]
    signed_in(client, committed_team.admin)
    settings = f"/w/{committed_team.workspace.slug}/settings"
    page = client.get(f"{settings}/providers").text
    assert '<td class="num">free<span class="sub">2 calls</span></td>' in page, (
        "the practice model costs nothing"
    )
    assert '<td class="num">$0.50<span class="sub">1 call</span></td>' in page
    assert "not noted then" in client.get(f"{settings}/spend").text


def test_a_budget_warns_and_then_stops(session: Session) -> None:
    team = factories.team(session)
    prompt, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin)
    evaluation = factories.evaluation(session, team.admin, prompt, factories.evaluator(session, team.admin))
    budget.set_budget(session, team.admin, Decimal(1), Decimal("0.5"))
    assert not budget.standing(session, team.workspace.id).warns

    repository.insert_logs(session, [_log(team, prompt.file_id)])
    standing = budget.standing(session, team.workspace.id)
    assert (standing.warns, standing.is_spent) == (True, False)
    factories.started_run(session, team.admin, evaluation, prompt, rows)

    repository.insert_logs(session, [_log(team, prompt.file_id)])
    assert budget.standing(session, team.workspace.id).is_spent
    with pytest.raises(OverBudget, match=r"\$1.00, is spent"):
        factories.started_run(session, team.admin, evaluation, prompt, rows)
    budget.set_budget(session, team.admin, None, None)
    factories.started_run(session, team.admin, evaluation, prompt, rows)


@pytest.mark.parametrize(("monthly", "warn"), [("-1", None), ("NaN", None), ("5", "6"), ("1e12", None)])
def test_what_is_no_budget_is_refused(session: Session, monthly: str, warn: str | None) -> None:
    with pytest.raises(Invalid):
        budget.set_budget(
            session, factories.team(session).admin, Decimal(monthly), None if warn is None else Decimal(warn)
        )


def test_the_api_answers_402_with_the_reason(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin)
        evaluation = factories.evaluation(session, admin, prompt, factories.evaluator(session, admin))
        repository.insert_logs(session, [_log(committed_team, prompt.file_id)])
    with_key(client, admin)
    assert client.patch("/v5/budget", json={"monthly_usd": 0.4}).json()["is_spent"] is True
    assert client.get("/v5/spend").json()["usd"] == 0.5

    body = {"dataset": {"version_id": rows.id}, "version": {"version_id": prompt.id}}
    answer = client.post(f"/v5/evaluations/{evaluation.id}/runs", json=body)
    assert answer.status_code == 402
    assert "budget" in answer.json()["detail"]


def test_the_page_shows_spend_and_keeps_the_budget_to_admins(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
        repository.insert_logs(session, [_log(committed_team, prompt.file_id)])
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    url = f"/w/{committed_team.workspace.slug}"
    signed_in(client, committed_team.admin)
    refused = client.post(f"{url}/settings/spend", data={"_csrf": csrf_of(client), "monthly_usd": "lots"})
    assert refused.status_code == 422
    assert "Dollars a month" in refused.text
    form = {"_csrf": csrf_of(client), "monthly_usd": "$1,000", "warn_usd": "0.1"}
    assert client.post(f"{url}/settings/spend", data=form).status_code == 303
    page = client.get(f"{url}/settings/spend").text
    assert "$0.50 in" in page
    assert "$1,000.00" in page
    assert prompt.file.path in page
    assert re.search(r'<h2 id="ml">By model</h2>.*<code>[^<]+</code></th><td class="num">1</td>', page)
    assert "of this month" in client.get(url).text, "the home page warns"

    client.cookies.clear()
    signed_in(client, viewer)
    assert 'name="monthly_usd"' not in client.get(f"{url}/settings/spend").text
