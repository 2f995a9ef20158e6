"""Cost."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence

from app.evaluators.kinds.contract import Execution, Kind, KindOptions, Row, Traits, Verdict


class Cost(Kind[KindOptions]):
    """What did the answer cost, in US dollars?

    Tokens times the price of the model on the day. A model without a known price has no cost, which is not 0.
    """

    name = "cost"
    title = "Cost"
    purpose = "Operations"
    keywords = "price spending"
    returns = Traits("number", wanted="lower", unit="usd")
    Options = KindOptions

    def judge(
        self, options: KindOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        if execution.cost_usd is None:
            return Verdict(None, rationale="no price is known for the model")
        return Verdict(float(execution.cost_usd))
