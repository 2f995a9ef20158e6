"""Verdicts that take long keep nothing else waiting: above all not the renewing of leases."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from app.evaluations.evaluator_test import SOURCE, Trial, try_evaluator
from app.evaluations.judging import Judging
from app.evaluations.plan import Judge
from app.evaluations.webhooks import Webhooks
from app.evaluators.kinds.contract import BoundEvaluator, Kind, KindOptions, Traits, Verdict
from app.generations.prepared import Origin
from app.workspaces.webhook_keys import WebhookKey
from tests.asynchronous import run
from tests.evaluators.cases import execution, row

Result = TypeVar("Result")


class Slow(Kind[KindOptions]):
    """Says yes when it is let go."""

    name = "slow"
    title = "Slow"
    purpose = "Your own code"
    returns = Traits("boolean")
    Options = KindOptions
    waits = True

    def __init__(self, let_go: threading.Event) -> None:
        self._let_go = let_go

    def judge(self, options, execution, row, answers=()):
        return Verdict(self._let_go.wait(30))


def test_nothing_else_waits_behind_forty_slow_verdicts() -> None:
    let_go = threading.Event()
    kind = Slow(let_go)
    evaluator = BoundEvaluator(kind, KindOptions(), kind.returns)
    key = WebhookKey("ws", 1)

    async def in_a_run() -> list[bool | None]:
        judging, judge = Judging("ws", {}, [], Webhooks(key)), Judge("ver", "file", evaluator, {}, None)
        records = await _beside(
            [judging.judge(judge, "log", execution(), row(), []) for _ in range(40)], let_go
        )
        return [one.boolean_value for one in records]

    async def in_the_editor() -> list[bool | None]:
        trial = Trial(evaluator, {}, Origin("ws", "file", "ver", SOURCE), execution(), row(), key)
        tried = await _beside([try_evaluator(trial) for _ in range(40)], let_go)
        return [one.verdict.value for one in tried]

    for judged in (in_a_run, in_the_editor):
        let_go.clear()
        assert run(judged()) == [True] * 40


async def _beside(verdicts: list[Coroutine[Any, Any, Result]], let_go: threading.Event) -> list[Result]:
    """What comes of them, if meanwhile a thread is to be had as heartbeats take one (`transactions.at_once`)."""
    judging = [asyncio.ensure_future(one) for one in verdicts]
    await asyncio.sleep(0.1)
    try:
        await asyncio.wait_for(asyncio.to_thread(lambda: None), 5)
    finally:
        let_go.set()
    return await asyncio.gather(*judging)
