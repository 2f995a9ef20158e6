"""Token F1, as in SQuAD."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from typing import Any

from app.evaluators.kinds import squad
from app.evaluators.kinds.comparing import TargetKind, TargetOptions, text_of
from app.evaluators.kinds.contract import Traits, Verdict


class TokenF1(TargetKind[TargetOptions]):
    """How many words does the output share with the target, from 0 to 1?

    The F1 of SQuAD: capital letters, punctuation and the articles a, an, the do not count. If the target is a list,
    the best of its items counts. Good for short answers; it does not understand meaning.
    """

    name = "token_f1"
    title = "Token F1"
    purpose = "Text overlap"
    keywords = "QA"
    returns = Traits("number", needs_target=True)
    Options = TargetOptions

    def compare(self, options: TargetOptions, output: str, accepted: list[Any]) -> Verdict:
        given = squad.words(output)
        return Verdict(max(squad.f1(given, squad.words(text_of(one))) for one in accepted))
