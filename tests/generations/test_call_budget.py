"""What calls cost, and where a budget stops them."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx2
import pytest
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy import text

from app.core.database import unit_of_work
from app.logs import budget
from tests import factories
from tests.generations.calls import CALL_URL, STYLE, called, log_of
from tests.generations.model_server import ModelServer
from tests.web import csrf_of, signed_in
from tests.web_process import running_web


def test_a_spent_budget_stops_calls(
    caller: TestClient, model: ModelServer, committed_team: factories.Team
) -> None:
    assert caller.patch("/v5/budget", json={"monthly_usd": 20}).is_success
    called(caller)  # 12 dollars
    called(caller)
    answer = caller.post(CALL_URL, json=STYLE)
    assert answer.status_code == 402
    assert "is spent. An admin can raise it" in answer.json()["detail"]
    assert len(model.asked) == 2
    with unit_of_work() as session:
        assert budget.standing(session, committed_team.workspace.id).spent_usd == 24
        assert session.scalar(text("select count(*) from log")) == 2, "refused before anything was made ready"


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_not_written_yet_counts_before_a_model_is_asked(
    caller: TestClient, model: ModelServer, committed_team: factories.Team, redis_url: str, stream: bool
) -> None:
    """Calls of other processes that have been made, and whose logs come later."""
    assert caller.patch("/v5/budget", json={"monthly_usd": 20}).is_success
    with unit_of_work() as session:
        allowance = budget.allowance(session, committed_team.workspace.id)
    assert allowance
    with Redis.from_url(redis_url) as redis:
        redis.hset(f"whetstone:spent:{allowance.key}", mapping={"usd": "20.5", "calls": 2})
    answer = caller.post(CALL_URL, json=STYLE | {"stream": stream})
    assert "reached" in answer.text
    assert stream or answer.status_code == 402
    assert model.asked == []


def test_a_spent_budget_stops_the_editor(
    caller: TestClient, model: ModelServer, committed_team: factories.Team
) -> None:
    assert caller.patch("/v5/budget", json={"monthly_usd": 0}).is_success
    signed_in(caller, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/prompts/new/run"
    form = {
        "_csrf": csrf_of(caller), "model": "m", "provider": "fake", "role": "user", "name": "", "content": "Hi",
        "extra": "",
    }  # fmt: skip
    refused = caller.post(url, data=form)
    assert refused.status_code == 402
    assert "budget" in refused.text
    assert model.asked == []
    assert caller.patch("/v5/budget", json={"monthly_usd": 100}).is_success
    assert caller.post(url, data=form).status_code == 200
    assert len(model.asked) == 1


def test_a_spent_budget_stops_trying_an_evaluator(
    caller: TestClient, model: ModelServer, committed_team: factories.Team
) -> None:
    settings = {"model": "m", "provider": "fake", "rubric": "Is it right? {{log.output}}"}
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "llm_judge", **settings)
        url = f"/v5/evaluators/{judge.file_id}/test"
    assert caller.patch("/v5/budget", json={"monthly_usd": 0}).is_success
    assert caller.post(url, json={"log": {"output": "x"}}).status_code == 402
    assert model.asked == []
    assert caller.patch("/v5/budget", json={"monthly_usd": 100}).is_success
    assert caller.post(url, json={"log": {"output": "x"}}).status_code == 200
    assert len(model.asked) == 1


def test_fifty_callers_at_once_pass_a_budget_by_no_more_than_what_was_in_flight(
    caller: TestClient, model: ModelServer, committed_team: factories.Team
) -> None:
    provider = next(one for one in caller.get("/v5/providers").json() if one["name"] == "fake")
    prices = {"prices": {"m": {"input": "10000", "output": "0"}}}  # eleven tokens: 0.11 dollars
    assert caller.patch(f"/v5/providers/{provider['id']}", json=prices).is_success
    assert caller.patch("/v5/budget", json={"monthly_usd": 1}).is_success
    key = {"x-api-key": caller.headers["x-api-key"]}
    with running_web() as web, httpx2.Client(base_url=web.url, headers=key, timeout=60) as client:

        def ask(_: int) -> tuple[int, str]:
            answer = client.post(CALL_URL, json=STYLE)
            return answer.status_code, answer.text

        with ThreadPoolExecutor(50) as callers:
            answers = list(callers.map(ask, range(150)))
    statuses = Counter(status for status, _ in answers)
    assert set(statuses) == {200, 402}
    assert 10 <= statuses[200] == len(model.asked) <= 10 + 50
    assert all("budget" in text for status, text in answers if status == 402)
    with unit_of_work() as session:
        spent = budget.standing(session, committed_team.workspace.id).spent_usd
    assert spent == statuses[200] * Decimal("0.11")


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_provider_does_not_count_is_estimated_and_spent(
    caller: TestClient, model: ModelServer, committed_team: factories.Team, stream: bool
) -> None:
    model.counts = False
    assert caller.patch("/v5/budget", json={"monthly_usd": 5}).is_success
    assert caller.post(CALL_URL, json=STYLE | {"stream": stream, "log_id": "uncounted"}).is_success
    log = log_of(caller, "uncounted")
    assert (log["prompt_tokens"], log["output_tokens"]) == (None, None)
    # "Answer in prose." + "1 + 1" + "2" are 22 characters, and "Paris" five: four make a token.
    assert (log["prompt_cost"], log["output_cost"]) == (6, 1)
    assert caller.post(CALL_URL, json=STYLE).status_code == 402


def test_under_a_budget_nothing_is_called_that_has_no_price(caller: TestClient, model: ModelServer) -> None:
    unpriced = {
        "path": "geo/unpriced",
        "prompt": {"model": "nobody-knows", "provider": "fake", "template": "Hi"},
    }
    assert caller.post(CALL_URL, json=unpriced).status_code == 200
    assert caller.patch("/v5/budget", json={"monthly_usd": 5}).is_success
    refused = caller.post(CALL_URL, json=unpriced)
    assert refused.status_code == 422
    assert "There is no price for nobody-knows, so that the workspace's budget cannot hold" in refused.text
    assert len(model.asked) == 1
