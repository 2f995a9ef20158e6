"""Vectors of embedding models: read from an answer, and compared."""

import math
from collections.abc import Sequence
from operator import mul
from typing import Any

import orjson


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
    return bool(numbers) and all(type(one) in (int, float) and math.isfinite(one) for one in numbers)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """From -1 to 1; of a vector without a direction, which no model should give, 0."""
    norms = math.hypot(*one) * math.hypot(*other)
    return min(1.0, sum(map(mul, one, other)) / norms) if norms else 0.0
