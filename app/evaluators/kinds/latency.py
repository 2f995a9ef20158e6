"""Latency."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence

from app.evaluators.kinds.contract import Execution, Kind, KindOptions, Row, Traits, Verdict


class Latency(Kind[KindOptions]):
    """How long did the model take, in seconds?

    From sending the request to the end of the answer, without waiting for a place in the queue. Counts for
    executions that failed, too.
    """

    name = "latency"
    title = "Latency"
    purpose = "Operations"
    keywords = "speed duration response time"
    returns = Traits("number", wanted="lower", unit="s")
    Options = KindOptions

    def judge(
        self, options: KindOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        if execution.latency_ms is None:
            return Verdict(None, rationale="no latency was measured")
        return Verdict(execution.latency_ms / 1000)
