"""ROUGE."""

import re
from collections import Counter
from collections.abc import Sequence
from operator import not_
from typing import Any, Literal

from pydantic import Field

from app.evaluators.kinds.comparing import TargetKind, TargetOptions
from app.evaluators.kinds.contract import Traits, Verdict
from app.evaluators.kinds.overlap import texts_to_compare
from app.evaluators.kinds.porter import stem

_WORD = re.compile(r"[a-z0-9]+")
_NEVER_STEMMED = 3
"""Letters: rouge-score leaves words of so many as they are."""


class RougeOptions(TargetOptions):
    measure: Literal["rouge1", "rouge2", "rougeL"] = "rougeL"
    """What is shared: single words, pairs of neighbours, or the longest run of words in the same order, with gaps."""

    stem: bool = Field(False, exclude_if=not_)
    """Compare English words by their stems: “cats” and “cat” are the same then."""


class Rouge(TargetKind[RougeOptions]):
    """How many words or pairs of words does a summary share with the target, from 0 to 1?

    The F-measure of ROUGE (Lin 2004), as rouge-score 0.1.2 counts it. If the target is a list, the
    best of its items counts. Words are of the letters a to z and digits: other scripts share nothing. An alarm for
    changes rather than a measure of quality. Texts over 100,000 characters are not compared.
    """

    name = "rouge"
    title = "ROUGE"
    purpose = "Text overlap"
    keywords = "summarisation summarization"
    returns = Traits("number", needs_target=True)
    Options = RougeOptions

    def compare(self, options: RougeOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = texts_to_compare(output, accepted)
        if isinstance(targets, Verdict):
            return targets
        shared = _SHARED[options.measure]
        found = _words(output, options.stem)
        return Verdict(max(_f_measure(*shared(found, _words(one, options.stem))) for one in targets))


def _words(text: str, stemmed: bool) -> list[str]:
    words = _WORD.findall(text.lower())
    return [stem(word) if len(word) > _NEVER_STEMMED else word for word in words] if stemmed else words


def _shared_runs(found: Sequence[str], wanted: Sequence[str], length: int) -> tuple[int, int, int]:
    """How many runs of `length` words both have, counted with repetitions; how many each has."""
    counts = [Counter(zip(*(words[at:] for at in range(length)), strict=False)) for words in (found, wanted)]
    return (counts[0] & counts[1]).total(), counts[0].total(), counts[1].total()


def _shared_order(found: Sequence[str], wanted: Sequence[str]) -> tuple[int, int, int]:
    """The length of the longest common subsequence, and both lengths."""
    from rapidfuzz.distance import LCSseq  # noqa: PLC0415 - the start must not wait for it

    return int(LCSseq.similarity(found, wanted)), len(found), len(wanted)


_SHARED = {
    "rouge1": lambda found, wanted: _shared_runs(found, wanted, 1),
    "rouge2": lambda found, wanted: _shared_runs(found, wanted, 2),
    "rougeL": _shared_order,
}


def _f_measure(shared: int, found: int, wanted: int) -> float:
    """The harmonic mean of precision and recall; 0 where either has nothing to divide by."""
    return 2 * shared / (found + wanted) if shared else 0.0
