"""Words, stems, features and the cosine index with which the practice model compares texts."""

import functools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.practice.memory import remembered

Scores = npt.NDArray[np.float64]

_FUNCTION_WORDS = """
a about after against all also an and any are as at be been before being both but by can could did do does
during each for from had has have he her him his how i if in into is it its just may me might more most must my
no not of on only or other our own please same she should so some such than that the their them then there
these they this those through to too under until us very was we were what when where which while who whom
whose why will with would you your because over between am
"""
STOP = frozenset(_FUNCTION_WORDS.split())

# Bounded, because stems are kept: one endless word must not fill the memory.
WORD = re.compile(r"[^\W_]{1,40}(?:['’][a-z]{1,10})?")
ENDINGS = ("ings", "ing", "ies", "ied", "ed", "es", "s", "ly")


@functools.lru_cache(50_000)
def stem(word: str) -> str:
    """The word without its English ending, when at least three letters remain."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending in {"ies", "ied"} else "")
    return word


def words(text: str) -> list[str]:
    """The words in lower case; underscores separate words, as in label names."""
    return WORD.findall(text.lower().replace("_", " "))


def content(text: str) -> list[str]:
    """The stems of the words that are no function words."""
    return [stem(word) for word in words(text) if word not in STOP]


def overlap(left: str, right: str) -> float:
    """The F1 of two texts' words, as multisets: 0 to 1."""
    ours, theirs = Counter(words(left)), Counter(words(right))
    shared = sum((ours & theirs).values())
    return 2 * shared / ((ours.total() + theirs.total()) or 1)


Feature = str | tuple[str, str]


def features(text: str) -> dict[Feature, float]:
    """Stems, of which function words count little, and pairs of neighbouring stems."""
    found = words(text)
    stems = [stem(word) for word in found]
    out: dict[Feature, float] = defaultdict(float)
    for word, root in zip(found, stems, strict=True):
        out[root] += 0.3 if word in STOP else 1.0
    for pair in pairwise(stems):
        out[pair] += 0.5
    return out


class Index:
    """Cosine similarity of one text with many; words that few of the texts have weigh more.

    The postings of all features lie in two arrays, so that an index costs little more than its text.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        documents = [features(text) for text in texts]
        frequency = Counter(feature for document in documents for feature in document)
        self.size = len(documents)
        self._idf = {x: math.log(1 + self.size / count) for x, count in frequency.items()}
        postings: dict[Feature, list[tuple[int, float]]] = {x: [] for x in frequency}
        for row, document in enumerate(documents):
            norm = math.sqrt(sum((self._idf[x] * v) ** 2 for x, v in document.items())) or 1.0
            for x, v in document.items():
                postings[x].append((row, v * self._idf[x] ** 2 / norm))
        flat = [entry for posting in postings.values() for entry in posting]
        self._rows = np.array([row for row, _ in flat], np.intp)
        self._weights = np.array([weight for _, weight in flat], np.float64)
        ends = np.cumsum([len(posting) for posting in postings.values()], dtype=int).tolist()
        self._where = dict(zip(postings, zip([0, *ends], ends, strict=False), strict=True))

    def scores(self, text: str) -> Scores:
        """The cosine with each text, in their order."""
        shared = [(x, v) for x, v in features(text).items() if x in self._where]
        if not shared:
            return np.zeros(self.size)
        norm = math.sqrt(sum((v * self._idf[x]) ** 2 for x, v in shared))
        spans = [(self._where[x], v / norm) for x, v in shared]
        rows = np.concatenate([self._rows[a:b] for (a, b), _ in spans])
        weights = np.concatenate([self._weights[a:b] * v for (a, b), v in spans])
        scores: Scores = np.bincount(rows, weights, self.size).astype(np.float64)
        return scores


@remembered()
def index(texts: tuple[str, ...]) -> Index:
    """The index of these texts, built once while it is in use."""
    return Index(texts)
