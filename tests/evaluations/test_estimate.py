"""What a run will take, told before it starts: from the texts at first, from earlier calls once there are some."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations.new_evaluation.estimate import Work, estimate
from app.providers.service import ProviderChange, create_provider
from tests import factories
from tests.web import with_key


def _provider(session: Session, team: factories.Team, **change) -> None:
    create_provider(
        session,
        team.admin,
        ProviderChange(name="acme", base_url="https://93.184.216.34/v1", **change),
    )


def test_a_first_run_is_judged_by_its_texts(session: Session) -> None:
    team = factories.team(session)
    _provider(session, team, prices={"big": ("2", "10")})
    version = factories.prompt(session, team.admin, model="big", provider="acme", max_tokens=20)
    rows = factories.dataset(session, team.admin, [{"inputs": {"question": "q" * (400 - 15)}}])

    found = estimate(session, Work([version], rows, [], rows=1_000, repeats=2, concurrency=50))

    assert found.calls == 2_000
    assert found.input_tokens == 100 * 2_000, "400 characters are about 100 tokens"
    assert found.output_tokens == 20 * 2_000, "the limit of the answer"
    assert float(found.usd or 0) == pytest.approx(2_000 * (100 * 2 + 20 * 10) / 1e6)
    assert found.seconds == pytest.approx(40 * 1.5)


def test_a_rate_limit_makes_it_longer(session: Session) -> None:
    team = factories.team(session)
    _provider(session, team, requests_per_minute=60)
    version = factories.prompt(session, team.admin, model="big", provider="acme")
    rows = factories.dataset(session, team.admin, 3)

    assert estimate(session, Work([version], rows, [], 600, 1, 100)).seconds == pytest.approx(600)


def test_earlier_calls_tell_better_and_judges_are_counted(session: Session) -> None:
    team = factories.team(session)
    version, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin, 5)
    judge = factories.evaluator(session, team.admin, "llm_judge", model="gpt-4o-mini", provider="practice")
    evaluation = factories.evaluation(session, team.admin, version, factories.evaluator(session, team.admin))
    run = factories.started_run(session, team.admin, evaluation, version, rows)
    factories.finish_run(session, run, ["a"] * 5)  # each call: 10 tokens in, 5 out, 120 ms

    found = estimate(session, Work([version], rows, [judge], rows=100, repeats=1, concurrency=10))

    outputs, judgements = found.parts
    assert (outputs.input_tokens, outputs.output_tokens, outputs.seconds) == (1_000, 500, pytest.approx(1.2))
    assert (judgements.calls, judgements.model) == (100, "gpt-4o-mini")
    assert found.usd == 0, "the practice model is free"


def test_the_api_says_what_has_no_price(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        _provider(session, committed_team)
        version = factories.prompt(session, admin, "tests/unpriced", model="nobody-knows-it", provider="acme")
        rows = factories.dataset(session, admin, 40, "tests/rows")
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    with_key(client, committed_team.admin)
    url = f"/v5/evaluations/{evaluation.id}/estimate"
    by_id = client.get(url, params={"dataset": rows.id, "version": version.id, "repeats": 2}).json()
    by_path = client.get(url, params={"dataset": "tests/rows", "version": version.file_id}).json()

    assert (by_id["calls"], by_path["calls"]) == (80, 40)
    assert (by_id["priced"], by_id["cost_usd"]) == (False, None)
    assert by_id["unpriced_models"] == ["nobody-knows-it"]
    assert 0 < by_id["detectable_difference"] < 1
    assert client.get(url, params={"dataset": "nowhere", "version": version.id}).status_code == 404
    assert client.get(url, params={"dataset": version.id, "version": version.id}).status_code == 422
