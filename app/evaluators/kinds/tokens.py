"""Tokens."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.evaluators.kinds.contract import Execution, Kind, KindOptions, Row, Traits, Verdict


class TokensOptions(KindOptions):
    count: Literal["output", "prompt", "total"] = "output"
    """The tokens of the answer, of what was sent, or both together."""
    most: int | None = Field(None, ge=0)
    """The most that pass. Empty: the number itself is the score, and fewer are better."""


class Tokens(Kind[TokensOptions]):
    """How many tokens did the call take?

    As the provider counted them; reasoning that it does not show is part of the answer's tokens. A call that the
    provider did not count has no score.
    """

    name = "tokens"
    title = "Tokens"
    purpose = "Operations"
    keywords = "usage"
    returns = Traits("number", wanted="lower", unit="points")
    Options = TokensOptions

    def traits(self, options: TokensOptions) -> Traits:
        return self.returns if options.most is None else Traits("boolean")

    def judge(
        self, options: TokensOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        counted = {"prompt": [execution.prompt_tokens], "output": [execution.output_tokens]}
        parts = counted.get(options.count, [execution.prompt_tokens, execution.output_tokens])
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return Verdict(None, rationale="the provider did not count the tokens")
        total = sum(known)
        if options.most is None:
            return Verdict(float(total))
        return Verdict(total <= options.most, rationale=f"{total:,} tokens")
