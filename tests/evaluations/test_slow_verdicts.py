"""Verdicts that take long keep nothing else waiting: above all not the renewing of leases."""

import asyncio
import threading

from app.evaluations.judging import Judging
from app.evaluations.plan import Judge
from app.evaluations.webhooks import Webhooks
from app.evaluators.kinds.contract import BoundEvaluator, Kind, KindOptions, Traits, Verdict
from app.logs.records import JudgmentRecord
from app.workspaces.webhook_keys import WebhookKey
from tests.asynchronous import run
from tests.evaluators.cases import execution, row


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


def test_what_renews_leases_does_not_wait_behind_forty_slow_verdicts() -> None:
    let_go = threading.Event()
    kind = Slow(let_go)
    judge = Judge("ver", "file", BoundEvaluator(kind, KindOptions(), kind.returns), {}, None)

    async def judged() -> list[JudgmentRecord]:
        judging = Judging("ws", {}, [], Webhooks(WebhookKey("ws", 1)))
        judgments = [
            asyncio.ensure_future(judging.judge(judge, "log", execution(), row(), [])) for _ in range(40)
        ]
        await asyncio.sleep(0)
        try:
            # As `transactions.at_once` does, for a heartbeat.
            await asyncio.wait_for(asyncio.to_thread(lambda: None), 5)
        finally:
            let_go.set()
        return await asyncio.gather(*judgments)

    assert [one.boolean_value for one in run(judged())] == [True] * 40
