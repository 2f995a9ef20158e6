"""Judgments that a program elsewhere sends."""

# ruff: noqa: ARG002 - somebody else judges, not this

from collections.abc import Sequence

from app.evaluators.kinds.answering import AnswerKind, SpecOptions
from app.evaluators.kinds.contract import Execution, Row, Traits, Verdict


class External(AnswerKind[SpecOptions]):
    """What does a program of yours say, wherever it runs?

    It sends its judgments by the API, or by the SDK from the code that ran the evaluation. One log has one judgment of
    it: the last that was sent. Only runs whose outputs you send wait for them; a report counts those that are there. Without
    choices, any text is one.
    """

    name = "external"
    title = "Your program elsewhere"
    purpose = "Your own code"
    keywords = "custom SDK import"
    returns = Traits("boolean")
    Options = SpecOptions
    evaluator_type = "external"
    judged_by = "program"

    def judge(
        self, options: SpecOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        return Verdict(
            None, error="A program elsewhere judges this, and sends its judgments to POST /v5/evaluators/log."
        )
