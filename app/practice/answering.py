"""Answering from a passage: the sentence that shares most with the question, and the span in it that fits."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.practice.noise import Noise
from app.practice.tokens import Token, tokens

SENTENCE_END = re.compile(r"(?<=[.!?;])[\"')\]]*\s+(?=[A-Z0-9\"'(\[])|\n+")
LONGEST_SENTENCE = 1200
"""Characters; a longer one is cut, because the work on a sentence grows faster than its length."""
SENTENCES_SEARCHED = 3
LONGEST_SPAN = 7

_MEASURE = r"many|much|old|long|far|tall|large|high|often|fast|big"
KINDS = (
    (
        "number",
        re.compile(
            rf"\bhow (?:{_MEASURE})\b"
            r"|what (?:percent\w*|number|age|amount|population|proportion|fraction)|percentage",
            re.IGNORECASE,
        ),
    ),
    (
        "date",
        re.compile(
            r"\bwhen\b|(?:what|which) (?:\w+ )?(?:year|date|day|month|century|decade|time)s?\b|\byear\b",
            re.IGNORECASE,
        ),
    ),
    (
        "name",
        re.compile(
            r"\b(?:who|whom|whose|where)\b"
            r"|(?:what|which) (?:\w+ )?(?:city|country|state|place|continent|town|region|river|area)",
            re.IGNORECASE,
        ),
    ),
)


class Found(NamedTuple):
    """An answer, the sentence it stands in, and the share of the question's words that the passage holds."""

    span: str
    sentence: str
    share: float


NOTHING = Found("", "", 0.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its content words with their weights in this passage, and what kind of answer it wants."""

    weights: dict[str, float]
    pairs: frozenset[tuple[str, str]]
    kind: str

    @property
    def total(self) -> float:
        return sum(self.weights.values()) or 1.0


def _sentences(passage: str) -> list[str]:
    return [
        sentence[i : i + LONGEST_SENTENCE]
        for sentence in SENTENCE_END.split(passage)
        if sentence.strip()
        for i in range(0, len(sentence), LONGEST_SENTENCE)
    ]


def _asked(question: str, frequency: Counter[str], sentences: int) -> Asked:
    """Rare words weigh more; names and numbers less, since every sentence of a passage may hold them."""
    read = [token for token in tokens(question) if token.is_word]
    weights = {
        token.stem: (0.4 if token.is_capital or token.is_number else 1.0)
        * math.log(1 + (sentences + 0.5) / (frequency[token.stem] + 0.5))
        for token in read
        if token.is_content
    }
    kind = next((name for name, pattern in KINDS if pattern.search(question)), "thing")
    return Asked(weights, frozenset(pairwise(token.stem for token in read)), kind)


def _nearness(asked: Asked, sentence: tuple[Token, ...]) -> float:
    """How much of the question a sentence holds: its words by weight, and half as much its word pairs."""
    stems = {token.stem for token in sentence}
    cover = sum(weight for word, weight in asked.weights.items() if word in stems) / asked.total
    shared = asked.pairs & {(a.stem, b.stem) for a, b in pairwise(sentence)}
    return cover + 0.5 * len(shared) / max(1, len(asked.pairs))


def _fit(kind: str, words: int, *, number: bool, date: bool, capital: bool) -> float:
    """How well a span of this shape answers a question of this kind."""
    if kind == "number":
        return number - 0.5 * (date and words == 1)
    if kind == "date":
        return 1.2 if date else 0.5 * number
    if kind == "name":
        return 0.8 * (capital and not number)
    return 0.2 * capital - 0.1 * number


def _closeness(asked: Asked, sentence: tuple[Token, ...]) -> list[float]:
    """For each token how near the question's words stand to it."""
    hits = [(i, asked.weights[token.stem]) for i, token in enumerate(sentence) if token.stem in asked.weights]
    return [sum(w / (1 + abs(i - at)) for at, w in hits) / asked.total for i in range(len(sentence))]


def _scored_spans(asked: Asked, sentence: tuple[Token, ...], near: float) -> Iterator[tuple[float, int, int]]:
    """(score, first, last) of the spans that could be an answer.

    They begin and end with a content word, cross no full stop or bracket, and do not merely repeat the question.
    """
    close, last = _closeness(asked, sentence), len(sentence) - 1
    edge = [True, *(not t.is_content or t.stem in asked.weights for t in sentence), True]
    for i, first in enumerate(sentence):
        if not first.is_content:
            continue
        words = known = fillers = marks = 0
        number, date, capital = False, False, True
        for j in range(i, min(last + 1, i + LONGEST_SPAN)):
            token = sentence[j]
            if not token.is_word:
                if token.text not in ",-–'’":
                    break
                marks += 1
                continue
            words += 1
            known += token.stem in asked.weights
            number, date = number or token.is_number, date or token.is_date
            if not token.is_content:
                fillers += 1
                continue
            capital = capital and token.is_capital
            if known < words:
                score = 3 * near + _fit(asked.kind, words, number=number, date=date, capital=capital)
                score += max(close[max(0, i - 1)], close[min(last, j + 1)]) - 0.5 * known / words
                score += 0.061 * (edge[i] + edge[j + 2]) - 0.03 * words - 0.6 * fillers - 0.2 * marks
                yield score, i, j


def answer_from(question: str, passage: str, noise: Noise) -> Found:
    """The best span of the passage's three best sentences; NOTHING when no span qualifies."""
    sentences = _sentences(passage)
    read = [tokens(sentence) for sentence in sentences]
    frequency = Counter(word for sentence in read for word in {token.stem for token in sentence})
    asked = _asked(question, frequency, len(read))
    near = [_nearness(asked, sentence) for sentence in read]
    best = sorted(range(len(read)), key=lambda n: -near[n])[:SENTENCES_SEARCHED]
    found = [(score, n, i, j) for n in best for score, i, j in _scored_spans(asked, read[n], near[n])]
    if not found:
        return NOTHING
    _, n, i, j = found[int(np.argmax(noise(np.array([score for score, *_ in found]))))]
    share = sum(word in frequency for word in asked.weights) / (len(asked.weights) or 1)
    return Found(sentences[n][read[n][i].start : read[n][j].end], sentences[n], share)
