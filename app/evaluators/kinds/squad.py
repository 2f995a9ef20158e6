"""The normalisation of the SQuAD benchmark, and its two scores (Rajpurkar et al. 2016)."""

import re
import string
from collections import Counter

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, blanks made one: in the benchmark's order."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def token_f1(found: str, wanted: str) -> float:
    """The harmonic mean of precision and recall over the words of both; 1 when both have none."""
    given, right = normalised(found).split(), normalised(wanted).split()
    if not given or not right:
        return float(given == right)
    common = (Counter(given) & Counter(right)).total()
    return 2 * common / (len(given) + len(right))


def exact_match(found: str, wanted: str) -> bool:
    """Whether both are the same once normalised."""
    return normalised(found) == normalised(wanted)
