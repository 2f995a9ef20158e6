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
    return f1(words(found), words(wanted))


def words(text: str) -> Counter[str]:
    """The words of a text, and how often each is there."""
    return Counter(normalised(text).split())


def f1(given: Counter[str], right: Counter[str]) -> float:
    """As `token_f1`, of texts that were read already. It looks at the words of `right` only, which may be one of thousands."""
    if not given or not right:
        return float(given == right)
    common = sum(min(count, given[word]) for word, count in right.items())
    return 2 * common / (given.total() + right.total())


def exact_match(found: str, wanted: str) -> bool:
    """Whether both are the same once normalised."""
    return normalised(found) == normalised(wanted)
