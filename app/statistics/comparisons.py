"""Several tests at once: p values adjusted for how many there are."""

from collections.abc import Sequence

from app.statistics.arrays import Codes, Floats, np


def holm(p_values: Sequence[float]) -> Floats:
    """Holm's (1979) adjusted p, in the order given: p_(i) times the tests not yet rejected, never falling, at most 1.

    Rejecting what is at most alpha bounds the chance of any false rejection by alpha, whatever the tests share.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    return _back(order, stepped)


def benjamini_hochberg(p_values: Sequence[float]) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p: rejecting what is at most q bounds the expected share of false rejections by q.

    p_(i) m/i, never rising towards smaller p, at most 1. For tests that are independent or positively dependent.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    return _back(order, stepped)


def _back(order: Codes, stepped: Floats) -> Floats:
    adjusted = np.empty(len(stepped))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _checked(p_values: Sequence[float]) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("a p value lies between 0 and 1")
    return p
