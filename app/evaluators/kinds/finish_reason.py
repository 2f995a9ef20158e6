"""Finish reason."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence

from pydantic import Field

from app.evaluators.kinds.contract import Execution, Kind, KindOptions, Row, Traits, Verdict, storable


class FinishReasonOptions(KindOptions):
    accepted: tuple[str, ...] = Field(("stop", "tool_calls"), min_length=1)
    """The reasons that pass. Others are `length` (cut off at the token limit) and `content_filter`."""


class FinishReason(Kind[FinishReasonOptions]):
    """Did the model stop for an accepted reason?

    It shows answers that were cut off or filtered. A call that failed, or whose provider gave no reason, has no score.
    """

    name = "finish_reason"
    title = "Finish reason"
    purpose = "Operations"
    returns = Traits("boolean")
    Options = FinishReasonOptions

    def judge(
        self, options: FinishReasonOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        reason = execution.finish_reason
        if reason is None:
            return Verdict(None, rationale="the provider gave no reason")
        return Verdict(reason in options.accepted, rationale=storable(reason, 200))
