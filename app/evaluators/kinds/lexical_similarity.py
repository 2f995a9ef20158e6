"""Similarity of spelling."""

import math
import re
from collections import Counter
from typing import Any, Literal

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, text_of, too_long
from app.evaluators.kinds.contract import Traits, Verdict

_WORD = re.compile(r"\w+")
_ORDERS = (3, 4, 5)


class LexicalSimilarityOptions(TargetOptions):
    unit: Literal["characters", "words"] = "characters"
    """What is counted: runs of three to five characters within words, which forgive other endings; or whole words."""


class LexicalSimilarity(TargetKind[LexicalSimilarityOptions]):
    """How alike are the words of output and target, whatever their order, from 0 to 1?

    The cosine of the two texts' counts. It works without a model and knows nothing of meaning: “not good” is like
    “good”, and two words for one thing are unlike. If the target is a list, the nearest of its items counts. Capital
    letters do not matter. Texts over 100,000 characters are not compared.
    """

    name = "lexical_similarity"
    title = "Lexical similarity"
    purpose = "Text overlap"
    keywords = "cosine"
    returns = Traits("number", needs_target=True)
    Options = LexicalSimilarityOptions

    def compare(self, options: LexicalSimilarityOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = [text_of(one) for one in accepted]
        if refusal := too_long(output, *targets):
            return refusal
        count = _words if options.unit == "words" else _runs
        found = count(output)
        return Verdict(max(_cosine(found, count(one)) for one in targets))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _runs(text: str) -> Counter[str]:
    """Runs of characters inside each word with a blank at both ends; of a shorter word, the whole of it once."""
    found: list[str] = []
    for word in text.lower().split():
        padded = f" {word} "
        for order in _ORDERS:
            found += [padded[at : at + order] for at in range(max(1, len(padded) - order + 1))]
            if len(padded) <= order:
                break
    return Counter(found)


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    """Two texts without anything to count are alike."""
    if not one or not other:
        return float(one == other)
    shared = sum(count * other[key] for key, count in one.items() if key in other)
    norms = math.sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))
    return min(1.0, shared / norms)  # rounding may lift it over 1
