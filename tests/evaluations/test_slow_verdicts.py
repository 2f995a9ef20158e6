"""Verdicts that take long keep nothing else waiting: above all not the renewing of leases."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from app.evaluations.evaluator_test import SOURCE, Trial, try_evaluator
from app.evaluations.judging import Judging
from app.evaluations.plan import Judge
from app.evaluations.webhooks import Webhooks
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import BoundEvaluator, Kind, KindOptions, Traits, Verdict
from app.generations.prepared import Origin
from app.logs.records import JudgmentRecord
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
    slow = Slow(let_go)
    evaluator = BoundEvaluator(slow, KindOptions(), slow.returns)
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


def test_nothing_waits_while_a_row_brings_large_expressions() -> None:
    """They are compiled before anybody is asked, a tenth of a second each."""
    evaluator = kind("composite").prepare({"chosen_by": "testcase.metadata.own", "rule": "all"})
    brought = [{"kind": "regex", "settings": {"pattern": f"(?:[ab{n}]{{0,1000}}c?)" * 20}} for n in range(10)]
    judge, longest = Judge("ver", "file", evaluator, {}, None), 0.0

    async def judged() -> JudgmentRecord:
        nonlocal longest
        judging = Judging("ws", {}, [], Webhooks(WebhookKey("ws", 1)))
        verdict = asyncio.ensure_future(
            judging.judge(judge, "log", execution("aa"), row(metadata={"own": brought}), [])
        )
        while not verdict.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        return await verdict

    assert run(judged()).boolean_value is True
    assert longest < 0.5


async def _beside(verdicts: list[Coroutine[Any, Any, Result]], let_go: threading.Event) -> list[Result]:
    """What comes of them, if meanwhile a thread is to be had as heartbeats take one (`transactions.at_once`)."""
    judging = [asyncio.ensure_future(one) for one in verdicts]
    await asyncio.sleep(0.1)
    try:
        await asyncio.wait_for(asyncio.to_thread(lambda: None), 5)
    finally:
        let_go.set()
    return await asyncio.gather(*judging)
