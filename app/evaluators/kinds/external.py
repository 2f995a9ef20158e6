"""Judgments that a program elsewhere sends."""

# ruff: noqa: ARG002 - somebody else judges, not this

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from pydantic import Field, field_validator

from app.evaluators.kinds.answering import AnswerKind, AnswerOptions
from app.evaluators.kinds.contract import Execution, Row, Traits, Verdict


class ExternalOptions(AnswerOptions):
    attributes: dict[str, Any] = Field(default_factory=dict, json_schema_extra={"multiline": True})
    """What tells one version from another, as a JSON object: the commit of your program, or its text."""

    @field_validator("attributes", mode="before")
    @classmethod
    def _of_a_form(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            found = orjson.loads(value or "{}")
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, Mapping):
            raise ValueError('this is a JSON object, such as {"commit": "4f2a1c"}')  # noqa: TRY004 - becomes a message
        return found


class External(AnswerKind[ExternalOptions]):
    """What does a program of yours say, wherever it runs?

    It sends its judgments by the API, or by the SDK from the code that ran the evaluation. One log has one judgment of
    it: the last that was sent. Runs do not wait for them, and a report counts those that are there.
    """

    name = "external"
    title = "Your program elsewhere"
    purpose = "Your own code"
    returns = Traits("boolean")
    Options = ExternalOptions
    evaluator_type = "external"
    judged_by = "program"

    def judge(
        self, options: ExternalOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        return Verdict(
            None, error="A program elsewhere judges this, and sends its judgments to POST /v5/evaluators/log."
        )
