"""People as the judges."""

# ruff: noqa: ARG002 - people judge, not this

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from app.evaluators.kinds.answering import AnswerKind, SpecOptions
from app.evaluators.kinds.contract import Execution, Row, Traits, Verdict


class HumanOptions(SpecOptions):
    LEAST_CHOICES: ClassVar[int] = 1
    instructions: str = Field("", max_length=20_000, json_schema_extra={"multiline": True, "first": True})
    """What people are asked to look at, and what the answers mean."""


class Human(AnswerKind[HumanOptions]):
    """What do people say of the output?

    Each person has one judgment of an output, which they can change; a row's score is the mean of what people said of
    it, or the final answer where one was settled. They answer in review queues, or send judgments by the API, as somebody who
    uses your application may: runs do not wait for them, and a report counts those that are there.
    """

    name = "human"
    title = "People"
    purpose = "People"
    keywords = "review annotation feedback rating"
    returns = Traits("boolean")
    Options = HumanOptions
    evaluator_type = "human"
    judged_by = "people"

    def judge(
        self, options: HumanOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        return Verdict(None, error="People judge this, in a review queue, or by POST /v5/evaluators/log.")
