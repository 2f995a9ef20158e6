"""Filling fields from a text as the examples in the prompt do: a logistic regression over spans."""

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from app.practice.examples import Pairs
from app.practice.memory import remembered
from app.practice.patterns import guess
from app.practice.tokens import MONTHS, Token, tokens

INPUT_CHARACTERS = 2_000
EXAMPLE_CHARACTERS = 600
FIELDS_LEARNED = 24
WORK = 50_000
"""Spans times fields that are learned from; the latest examples count first. About .3 s."""
LONGEST_SPAN = 6
ROUNDS = 120
PRIOR = 4.0
"""The weight of a built-in guess: it counts until the examples speak against it."""

Mark = tuple[str, ...]
Weights = npt.NDArray[np.float64]


class Learned(NamedTuple):
    """Weights by mark and field; the last column stands for 'no field'."""

    marks: dict[Mark, int]
    weights: Weights


class Span(NamedTuple):
    """A stretch of tokens, its text, and what can be seen of it."""

    first: int
    last: int
    text: str
    marks: tuple[Mark, ...]


def _shape(position: int, token: Token) -> str:
    """The word with digits as 9; a capital inside a sentence as 'Aa', since names do not repeat."""
    is_name = token.is_capital and position > 0 and token.low not in MONTHS
    return "Aa" if is_name else re.sub(r"\d", "9", token.low)


def _spans(text: str, names: tuple[str, ...]) -> list[Span]:
    """All spans of up to six tokens with their marks: shapes, neighbours, length, the built-in guesses."""
    read = tokens(text)
    form = ["^", "^", *(_shape(i, token) for i, token in enumerate(read)), "$"]
    guesses = [(name, value) for name in names if (value := guess(name, text).value)]
    found = []
    for i, first in enumerate(read):
        for j in range(i, min(len(read), i + LONGEST_SPAN)):
            span = text[first.start : read[j].end]
            marks = [
                ("first", form[i + 2]),
                ("last", form[j + 2]),
                ("before", form[i + 1]),
                ("before2", form[i], form[i + 1]),
                ("after", form[j + 3]),
                ("length", str(j - i)),
            ]
            marks += [("guess", name) for name, value in guesses if value == span]
            marks += [
                ("inside", name)
                for name, value in guesses
                if len(value) > 2 and value != span and span in value
            ]
            found.append(Span(i, j, span, tuple(marks)))
    return found


def _values(answer: str, names: tuple[str, ...]) -> dict[str, int]:
    """{value: its field's number} of an example's JSON answer."""
    try:
        answered = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(answered, dict):
        return {}
    return {
        str(v).strip(" .,!?"): names.index(k) for k, v in answered.items() if k in names and v is not None
    }


@remembered(200_000)
def _learn(examples: Pairs, names: tuple[str, ...]) -> Learned:
    """Fit by AdaGrad on the full batch: deterministic, and one pass over a few thousand spans is cheap."""
    marks: dict[Mark, int] = {("guess", name): n for n, name in enumerate(names)}
    rows: list[list[int]] = []
    target: list[int] = []
    for text, answer in reversed(examples):
        if len(rows) * len(names) > WORK:
            break
        values = _values(answer, names)
        for span in _spans(text[:EXAMPLE_CHARACTERS], names):
            rows.append([marks.setdefault(mark, len(marks)) for mark in span.marks])
            target.append(values.get(span.text, len(names)))
    classes = len(names) + 1
    weights = np.zeros((len(marks), classes))
    weights[range(len(names)), range(len(names))] = PRIOR
    if rows:
        _fit(weights, rows, np.eye(classes)[target])
    return Learned(marks, weights)


def _fit(weights: Weights, rows: list[list[int]], goal: Weights) -> None:
    """Multinomial logistic regression in place, pulled back towards where it starts."""
    flat = np.concatenate([np.array(row) for row in rows])
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    prior, total = weights.copy(), np.full_like(weights, 1e-6)
    size, classes = weights.shape
    for _ in range(ROUNDS):
        logits = np.stack([np.bincount(owner, weights[flat, c], len(rows)) for c in range(classes)], 1)
        odds = np.exp(logits - logits.max(1, keepdims=True))
        error = odds / odds.sum(1, keepdims=True) - goal
        slope = np.stack([np.bincount(flat, error[owner, c], size) for c in range(classes)], 1)
        step = slope + 0.05 * (weights - prior)
        total += step**2
        weights -= 0.3 * step / np.sqrt(total)


def extract(text: str, names: tuple[str, ...], examples: Pairs) -> dict[str, str]:
    """{field: verbatim value}: as in the examples when there are any, else by what the field's name asks for."""
    text = text[:INPUT_CHARACTERS]
    if not examples:
        return {name: value for name in names if (value := guess(name, text).value)}
    names = names[:FIELDS_LEARNED]
    learned = _learn(examples, names)
    candidates = []
    for span in _spans(text, names):
        seen = [learned.marks[mark] for mark in span.marks if mark in learned.marks]
        score = learned.weights[seen].sum(0)
        candidates += [
            (float(score[c] - score[-1]), -span.first, span.last, name, span.text)
            for c, name in enumerate(names)
        ]
    out: dict[str, str] = {}
    taken: set[int] = set()
    for score_, start, last, name, value in sorted(candidates, reverse=True):
        places = set(range(-start, last + 1))
        if score_ > 0 and name not in out and not taken & places:
            out[name] = value
            taken |= places
    return {name: out[name] for name in names if name in out}
