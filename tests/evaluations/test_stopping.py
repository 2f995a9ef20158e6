"""Workers that end, or have nothing to do for a while."""

import asyncio
import time

import pytest
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations.engine.execution import Slot
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.endpoint import Endpoint, running_endpoint
from tests.evaluations.test_webhooks import Service, service

ROWS = 5
TURNS = 200
JUDGED_S = 2.5
"""Longer than two heartbeats of a slot."""


async def _work(service: Service) -> None:
    slot = Slot(is_stopping=lambda: bool(service.heard))
    try:
        await slot.work()
    finally:
        await slot.aclose()


def _run(team: factories.Team, endpoint: Endpoint, judge_url: str) -> str:
    with unit_of_work() as session:
        change = ProviderChange(name="slow judge", base_url=endpoint.base_url, api_key="k")
        providers.create_provider(session, team.admin, change)
        version = factories.prompt(session, team.admin, provider="slow judge", model="m")
        rows = factories.dataset(
            session, team.admin, [{"inputs": {"question": f"ECHO<{n}>"}} for n in range(ROWS)]
        )
        judge = factories.evaluator(session, team.admin, "webhook", url=judge_url)
        evaluation = factories.evaluation(session, team.admin, version, judge)
        run = factories.started_run(session, team.admin, evaluation, version, rows)
        session.commit()
        return run.id


@pytest.mark.usefixtures("database", "redis_url")
def test_a_slot_that_is_idle_again_leaves_nothing_behind(committed_team: factories.Team) -> None:
    """Before Python 3.12 a task that talks to Valkey may not hear of its being cancelled."""

    async def work() -> set[str]:
        slot = Slot()
        try:
            for _ in range(TURNS):
                await slot.work()
            await asyncio.sleep(
                1.5
            )  # a heartbeat and more: whoever tells of calls has looked whether it is to go on
            return {repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()}
        finally:
            await slot.aclose()

    with running_endpoint(0) as endpoint, service({"judgment": True}) as running:
        _run(committed_team, endpoint, running.url)
        assert run_coroutine(work()) == set()


@pytest.mark.usefixtures("database", "redis_url")
def test_an_answer_that_has_come_is_judged_and_written_before_a_worker_ends(
    committed_team: factories.Team,
) -> None:
    def judge(_: int) -> tuple[int, bytes, dict[str, str]]:
        time.sleep(JUDGED_S)
        return 200, b'{"judgment": true}', {}

    with running_endpoint(0) as endpoint, service({"judgment": True}) as running:
        running.answer = judge
        run_id = _run(committed_team, endpoint, running.url)
        run_coroutine(_work(running))
        asked = sum(endpoint.calls().values())

    with unit_of_work() as session:
        done, judged, held = session.execute(
            text(
                """
                select r.done_count, r.judgments_count,
                    (select count(*) from shard where run_id = r.id and state = 'running')
                from run r where id = :run
                """
            ),
            {"run": run_id},
        ).one()
    assert asked == done == judged >= 1
    assert held == 0
