"""The engine makes embedding calls like a judge's: logged, priced, under caps, and beside other evaluators."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from app.core import ids
from app.core.database import unit_of_work
from app.evaluations import shard_repository
from app.evaluations.engine.item import ItemWorker, Outcome
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.new_evaluation.estimate import Work, estimate
from app.evaluations.verdicts.plan import load_plan
from app.providers import service as providers
from app.providers.client import ModelClient
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.endpoint import Endpoint, running_endpoint
from tests.evaluations.counting_meter import Meter


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint(0) as endpoint:
        yield endpoint


def _worked(team: factories.Team, endpoint: Endpoint, meter: Meter) -> tuple[str, list[Outcome]]:
    """A run of two rows by the engine's own hands: its outcomes, written."""
    admin = team.admin
    with unit_of_work() as session:
        providers.create_provider(
            session, admin, ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k")
        )
        content = [
            {"inputs": {"question": "ECHO<listen>"}, "target": {"answer": "silent"}},
            {"inputs": {"question": "ECHO<no>"}, "target": None},
        ]
        version = factories.prompt(session, admin, provider="fake", model="test")
        rows = factories.dataset(session, admin, content)
        settings = {"model": "mistral-embed", "provider": "fake"}
        judge = factories.evaluator(session, admin, "embedding_similarity", "tests/Near", **settings)
        evaluation = factories.evaluation(session, admin, version, judge)
        run = factories.started_run(session, admin, evaluation, version, rows)
        work = Work([version], rows, [judge], rows=2, repeats=1, concurrency=4)
        assert [part.calls for part in estimate(session, work).parts] == [2, 2]
        plan = load_plan(session, run.id)
        owner = ids.new_id("own")
        claimed = shard_repository.claim_next(session, owner, run.id)
        items = shard_repository.pending_items(session, claimed.shard_id)

    async def work_on() -> list[Outcome]:
        clients = {one.provider_id: ModelClient(one) for one in plan.endpoints}
        worker = ItemWorker(plan, clients, [meter])
        try:
            return [await worker.work(item, None) for item in items]
        finally:
            for client in clients.values():
                await client.aclose()

    outcomes = run_coroutine(work_on())
    with unit_of_work() as session:
        write_outcomes(session, plan, owner, outcomes)
    return run.id, outcomes


def test_a_row_is_judged_by_its_vectors(
    database: Engine, redis_url: str, committed_team: factories.Team, endpoint: Endpoint
) -> None:
    meter = Meter(100)
    _, (first, second) = _worked(committed_team, endpoint, meter)

    (judgment,) = first.judgments
    assert judgment.error is None
    assert judgment.number_value == pytest.approx(1)  # the same letters
    assert [log.source for log in first.logs] == ["evaluation", "judge"]
    call = first.logs[1]
    assert (call.output, call.output_message, call.parent_id) == ("2 vectors", None, first.logs[0].id)
    assert judgment.judge_log_id == call.id
    assert Decimal(judgment.cost) == Decimal(call.prompt_cost) > 0, "the price of the model is known"
    (untargeted,) = second.judgments
    assert (untargeted.number_value, untargeted.rationale, len(second.logs)) == (None, "no target", 1)
    assert meter.admitted == 3
    with unit_of_work() as session:
        stored = session.execute(text("select output from log where source = 'judge'")).scalars().all()
    assert stored == ["2 vectors"]


def test_a_cap_holds_embedding_calls_back(
    database: Engine, redis_url: str, committed_team: factories.Team, endpoint: Endpoint
) -> None:
    _, (first, second) = _worked(committed_team, endpoint, Meter(1))

    assert first.judgments[0].error == "not run: cap of 1 calls reached"
    assert second.settled.error == "not run: cap of 1 calls reached"
    assert endpoint.calls() == {"ECHO<listen>": 1}
