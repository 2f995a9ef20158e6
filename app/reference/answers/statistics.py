"""The shapes of statistics: what there is, and what one says."""

from typing import Any

from app.reference.answers.shape import Json, Shape


class Figure(Shape):
    """One number with what is needed to judge it. What does not apply is absent."""

    estimate: float | None = None
    """Absent where there is none; `warnings` say why."""
    lo: float | None = None
    """The lower end of the interval, absent with `hi`."""
    hi: float | None = None
    """The upper end of the interval."""
    p: float | None = None
    """Of the test."""
    n: int
    """What it was estimated from: rows, pairs, queries or items."""
    method: str
    clusters: int | None = None
    """How many clusters the rows lie in, absent where each stands alone."""
    warnings: list[str]


Answer = Figure | dict[str, Figure]


class StatisticExample(Shape):
    """What can be sent, and what is answered to it."""

    request: Json
    answer: Any


class Statistic(Shape):
    """A statistic that can be asked for."""

    name: str
    aliases: list[str]
    """Other names that it answers to."""
    family: str
    purpose: str
    method: str
    """The formula, and what it takes for granted."""
    source: str
    arguments: Json
    """The JSON schema of its arguments."""
    example: StatisticExample
