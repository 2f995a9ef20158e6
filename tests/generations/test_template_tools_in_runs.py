"""Tools that the templates of runs call, for each row, and what the caps and budgets of spending have to do with them."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.evaluations import run_service, shard_repository
from app.evaluations.engine.item import ItemWorker, Outcome
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.models import Run
from app.evaluations.shard_repository import Item
from app.evaluations.verdicts.plan import Plan, load_plan
from app.files import deployments, repository
from app.generations.service import prepare
from app.logs import budget
from app.logs.models import Log
from app.providers.client import ModelClient
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.evaluations.counting_meter import Meter
from tests.generations.http_service import Answer, HttpService, running_service
from tests.generations.model_server import ModelServer
from tests.generations.template_tools import HOURS, called, prompt, texts_of, written


@pytest.fixture
def service() -> Iterator[HttpService]:
    with running_service() as running:
        yield running


def test_a_run_makes_the_calls_for_each_row(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    """By the engine's own hands; a row for which a call cannot be made is an error that names it."""
    admin = committed_team.admin
    with unit_of_work() as session:
        factories.tool(session, admin, "shop/hours", **HOURS)
        version = factories.prompt(session, admin, provider="fake", model="m", template="{{ hours(city) }}")
        rows = factories.dataset(session, admin, [{"inputs": {"city": name}} for name in ("paris", "rome")])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, rows)
        owner = ids.new_id("own")
        plan, items = work_of(session, run, owner)
    outcomes = worked(plan, items, Meter(10))
    assert texts_of(model) == ["10 to 6"]
    assert [outcome.logs[0].error for outcome in outcomes] == [
        None,
        "`hours(city)` in the template: The snippet has no key rome. Its keys: berlin, paris.",
    ]
    with unit_of_work() as session:
        write_outcomes(session, plan, owner, outcomes)
        again = factories.started_run(session, admin, evaluation, version, rows)
        assert again.reused_count == 1, "the same text of the same tool is the same call"
        tool = factories.tool(
            session, admin, "shop/hours", tool_type="snippet", setup_values={"paris": "never"}
        )
        environment = next(
            one for one in repository.list_environments(session, admin.workspace_id) if one.tag == "default"
        )
        deployments.deploy(session, admin, tool.file, tool, environment)
        assert factories.started_run(session, admin, evaluation, version, rows).reused_count == 0


def test_a_run_asks_with_what_the_prompt_includes(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    """Its logs say what that was, and no output is used again that was made with another text."""
    admin = committed_team.admin
    with unit_of_work() as session:
        tone = factories.prompt(session, admin, "parts/tone", template="Be {{mood}}.")
        version = factories.prompt(
            session, admin, provider="fake", model="m", template='{{ include("parts/tone") }}'
        )
        rows = factories.dataset(session, admin, [{"inputs": {"mood": name}} for name in ("kind", "brief")])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, rows)
        owner = ids.new_id("own")
        plan, items = work_of(session, run, owner)
    outcomes = worked(plan, items, Meter(10))
    assert [body["messages"][0]["content"] for body in model.bodies] == ["Be kind.", "Be brief."]
    with unit_of_work() as session:
        write_outcomes(session, plan, owner, outcomes)
        logs = session.scalars(select(Log).where(Log.run_id == run.id)).all()
        assert [[one["version_id"] for one in log.included or []] for log in logs] == [[tone.id]] * 2
        assert factories.started_run(session, admin, evaluation, version, rows).reused_count == 2
        newer = factories.prompt(session, admin, "parts/tone", template="Stay {{mood}}.")
        environment = next(
            one for one in repository.list_environments(session, admin.workspace_id) if one.tag == "default"
        )
        deployments.deploy(session, admin, newer.file, newer, environment)
        assert factories.started_run(session, admin, evaluation, version, rows).reused_count == 0
        newer.file.deleted_at = clock.now()
        session.flush()
        with pytest.raises(Invalid, match="nothing is at this path"):
            factories.started_run(session, admin, evaluation, version, rows)


def test_no_service_is_asked_for_rows_that_the_cap_leaves_out(
    caller: TestClient, committed_team: factories.Team, model: ModelServer, service: HttpService
) -> None:
    """And a row whose service fails is no call."""
    admin = committed_team.admin
    service.answer = lambda path, headers: (500 if path == "/bad" else 200, b"open", {})
    with unit_of_work() as session:
        setup = {"url": service.url + "/{{city}}"}
        factories.tool(session, admin, "shop/hours", tool_type="get_api_call", setup_values=setup)
        version = factories.prompt(session, admin, provider="fake", model="m", template="{{ hours(city) }}")
        cities = ("bad", "good", "more", "most")
        rows = factories.dataset(session, admin, [{"inputs": {"city": name}} for name in cities])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        plan, items = work_of(
            session, factories.started_run(session, admin, evaluation, version, rows), ids.new_id("own")
        )
    meter = Meter(1)
    errors = [outcome.settled.error for outcome in worked(plan, items, meter)]
    assert "The service said 500" in str(errors[0])
    assert errors[1:] == [None, *["not run: cap of 1 calls reached"] * 2]
    assert [path for path, _ in service.heard] == ["/bad", "/good"]
    assert (len(model.bodies), meter.admitted) == (1, 1)


def work_of(session: Session, run: Run, owner: str) -> tuple[Plan, list[Item]]:
    plan = load_plan(session, run.id)
    assert plan
    claimed = shard_repository.claim_next(session, owner, run.id)
    assert claimed
    return plan, shard_repository.pending_items(session, claimed.shard_id)


def worked(plan: Plan, items: list[Item], meter: Meter, *, at_once: bool = False) -> list[Outcome]:
    """What becomes of them, one after the other or all at once."""

    async def work() -> list[Outcome]:
        clients = {one.provider_id: ModelClient(one) for one in plan.endpoints}
        worker = ItemWorker(plan, clients, [meter])
        try:
            if at_once:
                return await asyncio.gather(*(worker.work(item, None) for item in items))
            return [await worker.work(item, None) for item in items]
        finally:
            for client in clients.values():
                await client.aclose()

    return run_coroutine(work())


@pytest.mark.long
def test_no_row_fails_because_its_run_has_more_of_them_than_may_ask_at_a_time(
    caller: TestClient, committed_team: factories.Team, model: ModelServer, service: HttpService
) -> None:
    admin = committed_team.admin

    def slow(path: str, _: dict[str, str]) -> Answer:
        time.sleep(5)
        return 200, b"open", {}

    service.answer = slow
    with unit_of_work() as session:
        setup = {"url": service.url + "/{{city}}"}
        factories.tool(session, admin, "shop/hours", tool_type="get_api_call", setup_values=setup)
        template = '{{ hours(city) }} {{ hours("a") }}'
        version = factories.prompt(session, admin, provider="fake", model="m", template=template)
        rows = factories.dataset(session, admin, [{"inputs": {"city": f"c-{n}"}} for n in range(10)])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, rows)
        plan, items = work_of(session, run, ids.new_id("own"))
    outcomes = worked(plan, items * 3, Meter(100), at_once=True)
    assert [outcome.settled.error for outcome in outcomes] == [None] * 30


@pytest.mark.parametrize("stream", [False, True])
def test_no_service_is_asked_where_the_budget_is_spent(
    caller: TestClient,
    committed_team: factories.Team,
    model: ModelServer,
    service: HttpService,
    redis_url: str,
    stream: bool,
) -> None:
    """Nor is a call counted whose service fails."""
    service.answer = lambda path, headers: (500, b"", {})
    setup = {"url": service.url + "/{{city}}"}
    written(caller, "tool", "shop/hours", tool_type="get_api_call", setup_values=setup)
    prompt(caller, "{{ hours(city) }}")
    assert caller.patch("/v5/budget", json={"monthly_usd": 20}).is_success
    with unit_of_work() as session:
        allowance = budget.allowance(session, committed_team.workspace.id)
    assert allowance
    key = f"whetstone:spent:{allowance.key}"
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        assert called(caller, inputs={"city": "x"}, stream=stream).status_code == 503
        assert redis.hget(key, "calls") == "0"
        redis.hset(key, mapping={"usd": "20.5"})
    assert "reached" in called(caller, inputs={"city": "x"}, stream=stream).text
    assert len(service.heard) == 1
    assert model.bodies == []


def test_a_run_that_could_make_no_call_does_not_start(
    caller: TestClient, committed_team: factories.Team, service: HttpService
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        version = factories.prompt(session, admin, provider="fake", model="m", template="{{ hours(city) }}")
        rows = factories.dataset(session, admin, [{"inputs": {"city": "paris"}}])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        with pytest.raises(Invalid, match="there is no tool hours"):
            factories.started_run(session, admin, evaluation, version, rows)
        assert run_service.targets_of(session, version, []) == []
        setup = {"url": service.url + "/{{city}}"}
        factories.tool(session, admin, "shop/hours", tool_type="get_api_call", setup_values=setup)
        factories.tool(session, admin, "shop/texts", **HOURS)
        for template, said in (
            ('{{ texts("rome") }}', "no key rome"),
            ('{{ hours("x", "y") }}', "2 arguments"),
            ('{{ hours("..") }}', "as a step"),
        ):
            hopeless = factories.prompt(session, admin, provider="fake", model="m", template=template)
            with pytest.raises(Invalid, match=said):
                factories.started_run(session, admin, evaluation, hopeless, rows)
        factories.started_run(session, admin, evaluation, version, rows)
        assert prepare(session, version).reuse_key(version.id, "data_1", 0) is None, "it may answer otherwise"


def test_what_a_service_had_a_part_in_is_used_again_only_where_the_run_says_so(
    caller: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        setup = {"url": "http://127.0.0.1:1/{{city}}"}
        factories.tool(session, admin, "shop/hours", tool_type="get_api_call", setup_values=setup)
        version = factories.prompt(session, admin, template="{{ hours(city) }}")
        rows = factories.dataset(session, admin, [{"inputs": {"city": "paris"}}])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        factories.finish_run(
            session, factories.started_run(session, admin, evaluation, version, rows), ["open"]
        )
        assert factories.started_run(session, admin, evaluation, version, rows).reused_count == 0
        assert factories.started_run(session, admin, evaluation, version, rows, sent=True).reused_count == 1
