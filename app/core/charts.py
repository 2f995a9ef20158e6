"""Geometry of charts that the server draws: round axes, and where a value stands on them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from `low` to `high`, drawn from `start` to `end` in units of the drawing."""

    low: float
    high: float
    step: float
    start: float
    end: float

    @property
    def ticks(self) -> list[float]:
        """The round values that are labelled, both ends included."""
        count = round((self.high - self.low) / self.step)
        return [round(self.low + self.step * n, 12) for n in range(count + 1)]

    def at(self, value: float) -> float:
        """Where `value` stands, to a tenth; what lies beyond an end stands at that end."""
        inside = min(max(value, self.low), self.high)
        return round(self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start), 1)


@dataclass(frozen=True, slots=True)
class Whisker:
    """An estimate with its interval, placed on an axis; `lo` and `hi` are None where there is no interval."""

    mid: float
    lo: float | None
    hi: float | None


def axis_around(
    values: Iterable[float],
    start: float,
    end: float,
    *,
    steps: int = 4,
    least: float = 0.0,
    limits: tuple[float, float] | None = None,
) -> Axis:
    """An axis with round ends around all `values`, in at most about `steps` steps.

    `least` is the smallest range that it shows, so that tiny differences do not look large; `limits` are ends that
    it never goes beyond, such as 0 and 1 for shares.
    """
    found = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(found), max(found)
    if limits:
        low, high = max(low, limits[0]), min(high, limits[1])
    missing = max(least, 1e-9, abs(high) * 1e-6) - (high - low)
    if missing > 0:
        low, high = low - missing / 2, high + missing / 2
        if limits:
            low, high = max(low, limits[0]), min(max(high, limits[0] + least), limits[1])
    step = round_step((high - low) / steps)
    return Axis(
        low=math.floor(low / step + 1e-9) * step,
        high=math.ceil(high / step - 1e-9) * step,
        step=step,
        start=start,
        end=end,
    )


def round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in _ROUND if power * step >= least * (1 - 1e-9))


def whisker(axis: Axis, estimate: float, lo: float | None, hi: float | None) -> Whisker:
    """An estimate with its interval where they stand on `axis`."""
    return Whisker(
        axis.at(estimate), None if lo is None else axis.at(lo), None if hi is None else axis.at(hi)
    )


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """The path through `points`."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
