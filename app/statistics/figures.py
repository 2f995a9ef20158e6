"""One number as it is told: the estimate with all that a reader needs to judge it."""

from dataclasses import dataclass
from typing import Self

from app.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate, its interval and its p, each None where there is none; `warnings` say why, and what else to know.

    `n` counts what was estimated from: rows, pairs, queries or people, never rows × repeats.
    """

    estimate: float | None
    n: int
    method: str
    lo: float | None = None
    hi: float | None = None
    p: float | None = None
    clusters: int | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Interval, p: float | None = None, warnings: tuple[str, ...] = ()) -> Self:
        """The same as an interval, with the p of its test and more warnings after its own."""
        own = (found.warning,) if found.warning else ()
        return cls(
            found.estimate, found.n, found.method, found.lo, found.hi, p, found.clusters, own + warnings
        )

    @classmethod
    def undefined(cls, n: int, method: str, reason: str) -> Self:
        """No number at all, and the reason."""
        return cls(None, n, method, warnings=(reason,))
