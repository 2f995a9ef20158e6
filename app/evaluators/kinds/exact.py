"""Exact match."""

from typing import Any

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, composed, text_of
from app.evaluators.kinds.contract import Traits, Verdict


class ExactOptions(TargetOptions):
    ignore_case: bool = False
    """Treat capital and small letters as the same."""
    trim: bool = True
    """Ignore blanks and line breaks at both ends."""


class Exact(TargetKind[ExactOptions]):
    """Is the output exactly the target?

    Use it for labels, codes and short answers that have one right spelling. If the target is a list, any of its
    items will do. A letter such as é is the same in one sign of Unicode or in two.
    """

    name = "exact"
    title = "Exact match"
    purpose = "Comparison with a target"
    keywords = "accuracy equal"
    returns = Traits("boolean", needs_target=True)
    Options = ExactOptions

    def compare(self, options: ExactOptions, output: str, accepted: list[Any]) -> Verdict:
        found = _shaped(output, options)
        return Verdict(any(found == _shaped(text_of(one), options) for one in accepted))


def _shaped(text: str, options: ExactOptions) -> str:
    text = composed(text.strip() if options.trim else text)
    return text.casefold() if options.ignore_case else text
