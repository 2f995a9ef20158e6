"""An evaluation that stops as soon as it is clear, whose rows come sorted by their class: what its tests begin with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.evaluations import shard_repository
from app.evaluations.engine import stopping
from app.evaluations.engine.execution import Slot
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.figures import scoring
from app.evaluations.figures.report import Report, build_report
from app.evaluations.models import Evaluation, Run
from app.evaluations.repository import find_run_to_work_on
from app.evaluations.verdicts.plan import load_plan
from app.files.models import Version
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run as run_coroutine

NOWHERE = "http://127.0.0.1:9/v1"
ROWS = 600
CONCURRENCY = 10
Answer = Callable[[int], str]


def right(_: int) -> str:
    return "right"


def wrong_in_the_second_half(number: int) -> str:
    """Sorted by class: who reads the rows from the first to the last sees no difference for half of the time."""
    return "right" if number < ROWS / 2 else "wrong"


@dataclass
class World:
    """Two versions on the same rows, which answer as they are told."""

    evaluation: Evaluation
    baseline: Run
    candidate: Run

    @property
    def runs(self) -> list[str]:
        return [self.baseline.id, self.candidate.id]

    def read(self) -> list[Run]:
        with unit_of_work() as session:
            found = [find_run_to_work_on(session, run_id) for run_id in self.runs]
            assert all(found)
            return [run for run in found if run]

    def report(self) -> Report:
        with unit_of_work() as session:
            for run_id in self.runs:
                scoring.score_run(session, run_id)
            evaluation = session.get(Evaluation, self.evaluation.id)
            assert evaluation
            return build_report(session, evaluation)


def dataset(
    session: Session, team: factories.Team, before: Answer, after: Answer, rows: int = ROWS
) -> Version:
    return factories.dataset(
        session,
        team.admin,
        [
            {"inputs": {"n": str(n), "a": before(n), "b": after(n)}, "target": {"answer": "right"}}
            for n in range(rows)
        ],
    )


def begin(
    team: factories.Team, base_url: str, before: Answer, after: Answer, *, rows: int = ROWS, **options: Any
) -> World:
    with unit_of_work() as session:
        admin = team.admin
        providers.create_provider(
            session, admin, ProviderChange(name="endpoint", base_url=base_url, api_key="k")
        )
        path = "clear/prompt"
        first, second = (
            factories.prompt(
                session,
                admin,
                path,
                provider="endpoint",
                model="m",
                template=f"ECHO<{{{{{name}}}}}> {name} {{{{n}}}}",
            )
            for name in "ab"
        )
        data = dataset(session, team, before, after, rows)
        exact = factories.evaluator(session, admin, "exact", "clear/exact")
        evaluation = factories.evaluation(session, admin, first, exact, stops_when_clear=True)
        runs = [
            factories.started_run(
                session, admin, evaluation, version, data, concurrency=CONCURRENCY, **options
            )
            for version in (first, second)
        ]
        return World(evaluation, *runs)


def write_first(session: Session, world: World, rows: int) -> None:
    """The first shards of both runs are worked on by a worker that writes so many rows and is lost before it looks."""

    write_first_of(session, world.baseline.id, rows, "a")
    write_first_of(session, world.candidate.id, rows, "b")


def write_first_of(session: Session, run_id: str, rows: int, name: str) -> None:
    """The same of one run, whose outputs are the input of that name."""
    plan = load_plan(session, run_id)
    shard_repository.start_run(session, run_id)
    left = rows
    while left:
        claimed = shard_repository.claim_next(session, "lost", run_id)
        assert claimed
        items = shard_repository.pending_items(session, claimed.shard_id)[:left]
        write_outcomes(
            session, plan, "lost", [factories.outcome(plan, item, item.inputs[name]) for item in items]
        )
        left -= len(items)


def ended(team: factories.Team, before: Answer, after: Answer, rows: int = 95, of: int = ROWS) -> World:
    """One that was clear after so many rows, and has ended and is scored."""
    world = begin(team, NOWHERE, before, after, rows=of)
    with unit_of_work() as session:
        write_first(session, world, rows)
    with unit_of_work() as session:
        stopping.look(session, world.evaluation.id)
    with unit_of_work() as session:
        for run_id in world.runs:
            stopping.leave(session, "lost", run_id)
    with unit_of_work() as session:
        for run_id in world.runs:
            scoring.score_run(session, run_id)
    return world


def work(slots: int = 2) -> None:
    """Work with so many worker slots until nothing is left to do."""

    async def one() -> None:
        slot = Slot()
        try:
            await slot.work()
        finally:
            await slot.aclose()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(slots)))

    run_coroutine(all_of_them())
