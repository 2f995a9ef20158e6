"""An evaluator may ask several models, at several providers: a round of calls goes out at once, and each is counted."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from app.core import ids
from app.core.database import unit_of_work
from app.evaluations import shard_repository
from app.evaluations.engine.item import ItemWorker, Outcome
from app.evaluations.evaluator_editor.trying import Tried, prepare_trial, try_evaluator
from app.evaluations.verdicts import calls as judge_calls
from app.evaluations.verdicts.plan import Judge, load_plan
from app.evaluators.binding import bind, make_spec
from app.evaluators.kinds.contract import (
    BoundEvaluator,
    Kind,
    KindOptions,
    ModelCall,
    ModelRef,
    Traits,
    Verdict,
)
from app.generations.prepared import Origin
from app.logs.records import LogRecord
from app.providers import service as providers
from app.providers.client import ModelClient
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.endpoint import running_endpoint
from tests.evaluations.counting_meter import Meter
from tests.evaluators.cases import execution, row
from tests.fault_provider import running_fault_provider

LATENCY_S = 0.3


class Asking(KindOptions):
    models: tuple[str, ...] = ()
    """Each as `provider/model`."""


class Council(Kind[Asking]):
    """What do several models say, each asked twice?"""

    name, title, purpose, Options = "council", "Council", "Judges", Asking

    def traits(self, options: Asking) -> Traits:
        refs = tuple(ModelRef(model, provider) for provider, _, model in _parted(options))
        return Traits("text", asks=refs, calls=2)

    def calls(self, options: Asking, execution: Any, row: Any, answers: Any = ()) -> list[ModelCall]:
        if answers:
            return []
        return [
            ModelCall(
                [{"role": "user", "content": f"FAULT<bad request> ECHO<{vote}>"}], None, model, provider
            )
            for vote in "ab"
            for provider, _, model in _parted(options)
        ]

    def judge(self, options: Asking, execution: Any, row: Any, answers: Any = ()) -> Verdict:
        return Verdict(" ".join(answer or "-" for answer in answers))


def _parted(options: Asking) -> list[tuple[str, str, str]]:
    return [one.partition("/") for one in options.models]


@pytest.fixture
def team(database: Engine, redis_url: str, committed_team: factories.Team) -> Iterator[factories.Team]:
    """A team with two providers that answer, and one that refuses every call."""
    with ExitStack() as running, unit_of_work() as session:
        urls = {
            name: running.enter_context(running_endpoint(LATENCY_S * 1000)).base_url
            for name in ("one", "two")
        }
        urls["broken"] = running.enter_context(running_fault_provider()).url
        for name, url in urls.items():
            change = ProviderChange(name=name, base_url=url, api_key="k", prices={"m": ("1", "2")})
            providers.create_provider(session, committed_team.admin, change)
        session.commit()
        yield committed_team


def _judged(team: factories.Team, meter: Meter, *models: str) -> Outcome:
    """The outcome of one item, judged by a council of these models."""
    return _outcome(team, meter, Council().prepare({"models": models}))


def _outcome(team: factories.Team, meter: Meter, bound: BoundEvaluator, said: str = "Paris") -> Outcome:
    """The outcome of one item, whose output is `said`."""
    admin = team.admin
    with unit_of_work() as session:
        version = factories.prompt(session, admin, provider="one", model="m")
        rows = factories.dataset(session, admin, [{"inputs": {"question": f"ECHO<{said}>"}}])
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, rows)
        plan = load_plan(session, run.id)
        targets = judge_calls.targets_of(session, team.workspace.id, bound)
        plan = replace(plan, judges=(Judge("evr", "ev", bound, targets, None),))
        claimed = shard_repository.claim_next(session, ids.new_id("own"), run.id)
        (item,) = shard_repository.pending_items(session, claimed.shard_id)

    async def work() -> Outcome:
        clients = {one.provider_id: ModelClient(one) for one in plan.endpoints}
        worker = ItemWorker(plan, clients, [meter])
        try:
            return await worker.work(item, None)
        finally:
            for client in clients.values():
                await client.aclose()

    return run_coroutine(work())


def _spread(logs: Sequence[LogRecord]) -> timedelta:
    """From the start of the first call to that of the last."""
    began = [datetime.fromisoformat(log.start_time) for log in logs]
    return max(began) - min(began)


def test_the_calls_of_a_round_are_made_at_the_same_time(team: factories.Team) -> None:
    meter = Meter()
    outcome = _judged(team, meter, "one/m", "two/m")
    (judgment,) = outcome.judgments

    assert judgment.text_value == "a a b b"
    output, *calls = outcome.logs
    assert [(log.provider, log.source, log.parent_id) for log in calls] == [
        (name, "judge", output.id) for name in ("one", "two", "one", "two")
    ]
    assert _spread(calls) < timedelta(seconds=LATENCY_S)
    assert meter.admitted == 5
    costs = [Decimal(log.prompt_cost) + Decimal(log.output_cost) for log in outcome.logs]
    assert Decimal(judgment.cost) == sum(costs[1:]) == meter.usd - costs[0] > 0


class Failing(Council):
    """As a council whose model is worth three tries, and never answers."""

    def calls(self, options: Asking, execution: Any, row: Any, answers: Any = ()) -> list[ModelCall]:
        said = [{"role": "user", "content": "FAULT<internal error>"}]
        return [ModelCall(said, None, "m", "broken")]


def test_a_judges_tries_count_before_they_are_made(team: factories.Team) -> None:
    meter = Meter(3)
    outcome = _outcome(team, meter, Failing().prepare({"models": ["broken/m"]}))
    (judgment,) = outcome.judgments

    assert [log.attempts for log in outcome.logs] == [1, 2]
    assert meter.admitted == 3
    assert judgment.error
    assert "not tried again: cap of 3 calls reached" in judgment.error


class Where(Kind[KindOptions]):
    """Is it judged where all calls are waited for?"""

    name, title, purpose, Options, returns = "where", "Where", "Judges", KindOptions, Traits("boolean")

    def judge(self, options: KindOptions, execution: Any, row: Any, answers: Any = ()) -> Verdict:
        with suppress(RuntimeError):
            return Verdict(bool(asyncio.get_running_loop()))
        return Verdict(False)


@pytest.mark.parametrize(("chars", "beside_the_calls"), [(100, True), (5_100, False)])
def test_long_outputs_are_judged_where_nobody_waits(
    team: factories.Team, chars: int, beside_the_calls: bool
) -> None:
    outcome = _outcome(team, Meter(), Where().prepare({}), "x" * chars)

    assert len(outcome.logs[0].output or "") >= chars
    assert outcome.judgments[0].boolean_value is beside_the_calls


def test_the_kind_decides_where_some_fail(team: factories.Team) -> None:
    outcome = _judged(team, Meter(), "broken/m", "two/m")

    assert outcome.judgments[0].text_value == "- a - b"
    assert outcome.judgments[0].error is None
    assert [bool(log.error) for log in outcome.logs[1:]] == [True, False, True, False]


def test_where_all_fail_the_provider_is_quoted_once(team: factories.Team) -> None:
    outcome = _judged(team, Meter(), "broken/m")

    said = "The judge gave no verdict: broken answered 400: context too long"
    assert (outcome.judgments[0].error or "").startswith(said)
    assert (outcome.judgments[0].error or "").count("context too long") == 1
    assert len(outcome.logs) == 3


def test_a_cap_within_a_round_leaves_no_verdict_but_keeps_what_is_paid(team: factories.Team) -> None:
    outcome = _judged(team, Meter(4), "one/m", "two/m")
    (judgment,) = outcome.judgments

    assert (judgment.error, judgment.text_value) == ("not run: cap of 4 calls reached", None)
    assert len(outcome.logs) == 4
    assert Decimal(judgment.cost) > 0


def _tried(team: factories.Team, bound: BoundEvaluator) -> Tried:
    with unit_of_work() as session:
        origin = Origin(team.workspace.id, "", "", "evaluator_test")
        trial = prepare_trial(session, bound, origin, execution(), row())
    return run_coroutine(try_evaluator(trial))


def test_of_several_together_the_one_that_got_no_answer_is_named(team: factories.Team) -> None:
    rubric = "FAULT<bad request> {{log.output}}"
    parts = [
        {
            "path": f"judges/By {name}",
            "spec": make_spec("llm_judge", {"model": "m", "provider": name, "rubric": rubric}),
        }
        for name in ("one", "broken")
    ]
    tried = _tried(team, bind(make_spec("composite", {"parts": parts})))

    assert (tried.verdict.error or "").startswith(
        "By broken: The judge gave no verdict: broken answered 400: context too long"
    )
    assert [bool(log.error) for log in tried.logs] == [False, True]


def test_an_evaluator_that_is_tried_asks_them_all(team: factories.Team) -> None:
    def tried(*models: str) -> Tried:
        return _tried(team, Council().prepare({"models": models}))

    good, half, none = tried("one/m", "two/m"), tried("one/m", "broken/m"), tried("broken/m")

    assert (good.verdict.value, len(good.logs)) == ("a a b b", 4)
    assert _spread(good.logs) < timedelta(seconds=LATENCY_S)
    assert half.verdict.value == "a - b -"
    assert (none.verdict.error or "").startswith("The judge gave no verdict: broken answered 400")
