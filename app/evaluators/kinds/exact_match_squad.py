"""Exact match, as in SQuAD."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from typing import Any

from app.evaluators.kinds import squad
from app.evaluators.kinds.comparing import TargetKind, TargetOptions, text_of
from app.evaluators.kinds.contract import Traits, Verdict


class ExactMatchSquad(TargetKind[TargetOptions]):
    """Is the output the target, apart from capital letters, punctuation and the articles a, an, the?

    The exact match of SQuAD. If the target is a list, any of its items will do.
    """

    name = "exact_match_squad"
    title = "Exact match (SQuAD)"
    purpose = "Comparison with a target"
    keywords = "QA EM"
    returns = Traits("boolean", needs_target=True)
    Options = TargetOptions

    def compare(self, options: TargetOptions, output: str, accepted: list[Any]) -> Verdict:
        given = squad.normalised(output)
        return Verdict(any(given == squad.normalised(text_of(one)) for one in accepted))
