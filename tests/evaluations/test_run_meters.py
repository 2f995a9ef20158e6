"""Which caps hold for a run at this moment: its own, and its workspace's budget as it is now."""

from decimal import Decimal

from redis.asyncio import Redis
from sqlalchemy import Engine

from app.core.database import unit_of_work
from app.evaluations.engine.meters import RunMeters
from app.evaluations.verdicts.plan import Plan, load_plan
from app.logs.budget import Allowance
from app.providers.meter import Cap, Spent
from tests import factories
from tests.asynchronous import run as run_coroutine

NOVEMBER, DECEMBER = "2026-11", "2026-12"


def _plan(team: factories.Team) -> Plan:
    with unit_of_work() as session:
        admin = team.admin
        version, rows = factories.prompt(session, admin), factories.dataset(session, admin)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        plan = load_plan(session, factories.started_run(session, admin, evaluation, version, rows).id)
        assert plan
        return plan


def _allowed(team: factories.Team, month: str, usd: int, spent: int = 0) -> Allowance:
    workspace_id = team.workspace.id
    cap = Cap(usd=Decimal(usd), what=f"the budget for {month}")
    return Allowance(f"{workspace_id}:{month}", workspace_id, cap, Spent(Decimal(spent)))


def test_a_run_follows_the_budget_of_its_workspace(
    database: Engine, redis_url: str, committed_team: factories.Team
) -> None:
    plan = _plan(committed_team)

    async def run() -> None:
        async with Redis.from_url(redis_url) as redis:
            meters = RunMeters(redis, plan)
            assert list(meters) == []

            meters.learn(Spent(), _allowed(committed_team, NOVEMBER, 10))
            (meter,) = meters
            assert await meter.admit() is None
            await meter.spent(Decimal(5))
            assert await meter.admit() is None

            meters.learn(Spent(), _allowed(committed_team, NOVEMBER, 4))
            assert list(meters) == [meter], "what this process counted is not forgotten"
            assert await meter.admit() == "the budget for 2026-11 of $4.00 reached"

            meters.learn(Spent(), None)
            assert list(meters) == []

    run_coroutine(run())


def test_what_is_spent_after_midnight_is_the_next_months(
    database: Engine, redis_url: str, committed_team: factories.Team
) -> None:
    plan = _plan(committed_team)

    async def run() -> None:
        async with Redis.from_url(redis_url) as redis:
            meters = RunMeters(redis, plan)
            meters.learn(Spent(), _allowed(committed_team, NOVEMBER, 10, spent=10))
            (november,) = meters
            assert await november.admit()

            meters.learn(Spent(), _allowed(committed_team, DECEMBER, 10))
            (december,) = meters
            assert await december.admit() is None
            await december.spent(Decimal(10))
            meters.learn(Spent(), _allowed(committed_team, DECEMBER, 10))
            assert await december.admit() == "the budget for 2026-12 of $10.00 reached"
            assert await redis.exists(f"whetstone:spent:{committed_team.workspace.id}:{NOVEMBER}") == 0

    run_coroutine(run())
