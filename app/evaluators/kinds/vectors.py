"""Vectors of embedding models: read from an answer, and compared."""

import math
from collections.abc import Sequence
from operator import mul
from typing import Any

import orjson

from app.evaluators.kinds.contract import Verdict

NOTHING_FOUND = Verdict(None, rationale="the embedding model finds nothing in one of the texts")
"""Where no two vectors can be compared: that is not 0."""


def read_vectors(answer: str | None) -> list[list[float]]:
    """The vectors of an answer; none where it is no list of lists of as many finite numbers."""
    try:
        found: Any = orjson.loads(answer or "null")
    except orjson.JSONDecodeError:
        return []
    if not isinstance(found, list) or not all(isinstance(one, list) for one in found):
        return []
    if len({len(one) for one in found}) != 1 or not all(map(_is_vector, found)):
        return []
    return found


def _is_vector(numbers: list[Any]) -> bool:
    if not all(type(one) in (int, float) and math.isfinite(one) for one in numbers):
        return False
    # Beyond these, products of lengths are 0 or infinite.
    return bool(numbers) and (not any(numbers) or 1e-150 < math.hypot(*numbers) < 1e150)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float | None:
    """From -1 to 1; None where one has no direction, as of a text in which a model finds nothing."""
    norms = math.hypot(*one) * math.hypot(*other)
    return min(1.0, sum(map(mul, one, other)) / norms) if norms else None


def cosines(vectors: Sequence[Sequence[float]]) -> list[float]:
    """Those of the first with each of the others, as far as they are defined."""
    first, *others = vectors
    return [found for other in others if (found := _cosine(first, other)) is not None]
