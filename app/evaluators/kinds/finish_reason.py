"""Finish reason."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence

from pydantic import Field

from app.evaluators.kinds.contract import Execution, Kind, KindOptions, Row, Traits, Verdict, storable

_SAID = {
    "stop": ("end_turn", "stop_sequence", "finish_reason_stop", "eos", "eos_token", "complete", "completed"),
    "tool_calls": ("tool_use", "tool_call", "function_call"),
    "length": ("max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"),
    "content_filter": (
        "refusal", "safety", "recitation", "blocklist", "prohibited_content", "spii", "image_safety",
        "content_filtered", "guardrail_intervened",
    ),
}  # fmt: skip
_MEANING = {word: reason for reason, words in _SAID.items() for word in words}
"""What Anthropic, Gemini, Bedrock, Mistral and Cohere say, in the words of OpenAI's API."""


def meaning_of(reason: str) -> str:
    """What a provider's reason is called by OpenAI's API: `stop`, `tool_calls`, `length` or `content_filter`; itself, where we do not know."""
    said = reason.casefold()
    return _MEANING.get(said, said)


class FinishReasonOptions(KindOptions):
    accepted: tuple[str, ...] = Field(("stop", "tool_calls"), min_length=1)
    """The reasons that pass. Others are `length` (cut off at the token limit) and `content_filter`. What other providers call them counts as the same, such as `end_turn`, `STOP` and `tool_use`."""


class FinishReason(Kind[FinishReasonOptions]):
    """Did the model stop for an accepted reason?

    It shows answers that were cut off or filtered. A call that failed, or whose provider gave no reason, has no score.
    """

    name = "finish_reason"
    title = "Finish reason"
    purpose = "Operations"
    keywords = "truncated stop length filter"
    returns = Traits("boolean")
    Options = FinishReasonOptions

    def judge(
        self, options: FinishReasonOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        reason = execution.finish_reason
        if reason is None:
            return Verdict(None, rationale="the provider gave no reason")
        accepted = {one.casefold() for one in options.accepted}
        said = not accepted.isdisjoint((reason.casefold(), meaning_of(reason)))
        return Verdict(said, rationale=storable(reason, 200))
