"""The primary score against what answers cost and how long they take, a point for each version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.core import charts, formats
from app.core.charts import Axis
from app.evaluations.figures import headline as words
from app.evaluations.figures.report import Report
from app.evaluations.models import Run
from app.evaluators.describing import EvaluatorInfo
from app.statistics.intervals import Interval

_HEIGHT, _TOP, _BOTTOM = 260, 16, 214
_NEAR = 19
"""Percent of the width that a version's name takes on a phone."""
_FIGURES: Sequence[tuple[str, str, Callable[[float], str], str]] = (
    ("cost per 1,000 rows", "cost_per_1000_usd", formats.money, "costs more"),
    ("p95 latency", "p95_latency_ms", formats.seconds, "takes longer"),
)
"""What the horizontal axis is called, where it stands in `Usage`, how it is written, and what having more of it is."""


@dataclass(frozen=True, slots=True)
class Point:
    """A version; `top` and `bottom` are the ends of its score's interval."""

    run: Run
    x: float
    y: float
    top: float | None
    bottom: float | None
    baseline: bool
    chosen: bool
    """Whether it is the candidate that the report is about."""
    beaten_by: str
    """A version that scores at least as well for no more, and is better in one of the two; empty where none does."""
    label_y: float
    """Where its name stands: not over another one's."""


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """The drawing: percent of its width from left to right, pixels from top to bottom."""

    against: str
    points: Sequence[Point]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    sentence: str
    price: str = ""
    """What a better version does: `costs more`."""
    height: int = _HEIGHT
    bottom: int = _BOTTOM


def list_tradeoffs(report: Report, candidate: Run | None) -> list[Tradeoff]:
    """The score against cost and against latency, for two versions or more of which both are known, and that differ."""
    if report.primary is None or report.running:
        return []
    found = []
    for against, key, write, price in _FIGURES:
        known = [
            (run, float(value), interval)
            for run in report.runs
            if (usage := report.usage.get(run.id))
            and (value := getattr(usage, key)) is not None
            and (interval := report.primary.cells[run.id].interval)
        ]
        if len(known) > 1 and len({write(value) for _, value, _ in known}) > 1:
            found.append(replace(_draw(known, against, write, report, candidate), price=price))
    return found


def _draw(
    known: Sequence[tuple[Run, float, Interval]],
    against: str,
    write: Callable[[float], str],
    report: Report,
    candidate: Run | None,
) -> Tradeoff:
    row = report.primary
    assert row is not None  # noqa: S101 - only then there is something to draw
    info = row.info
    x = charts.axis_around([0.0, *(value for _, value, _ in known)], 0, 100, steps=5)
    ends = [end for _, _, one in known for end in (one.estimate, one.lo, one.hi) if end is not None]
    limits = (0.0, 1.0) if info.is_share else None
    y = charts.axis_around(ends, _BOTTOM, _TOP, steps=4, least=0.1 if info.is_share else 0.0, limits=limits)
    points = _apart([_point(one, known, x, y, info, report, candidate) for one in known])
    listed = "; ".join(
        f"{run.name} {words.level(one.estimate, info)} at {write(value)}" for run, value, one in known
    )
    return Tradeoff(
        against=against,
        points=points,
        x_ticks=[(x.at(tick), write(tick) if tick else "0") for tick in x.ticks],
        y_ticks=[(y.at(tick), words.level(tick, info).replace(".0%", "%")) for tick in y.ticks],
        sentence=f"{row.version.file.name} against {against}: {listed}",
    )


def _point(
    one: tuple[Run, float, Interval],
    known: Sequence[tuple[Run, float, Interval]],
    x: Axis,
    y: Axis,
    info: EvaluatorInfo,
    report: Report,
    candidate: Run | None,
) -> Point:
    run, value, interval = one
    return Point(
        run=run,
        x=x.at(value),
        y=y.at(interval.estimate),
        top=None if interval.hi is None else y.at(interval.hi),
        bottom=None if interval.lo is None else y.at(interval.lo),
        baseline=run is report.baseline,
        chosen=run is candidate,
        beaten_by=next((other[0].name for other in known if _beats(other, one, info)), ""),
        label_y=y.at(interval.estimate) - 8,
    )


def _beats(other: tuple[Run, float, Interval], one: tuple[Run, float, Interval], info: EvaluatorInfo) -> bool:
    """By the estimates alone: whether the score's difference is clear, the table says."""
    sign = 1 if info.wanted == "higher" else -1
    scores = sign * other[2].estimate, sign * one[2].estimate
    return scores[0] >= scores[1] and other[1] <= one[1] and (scores[0] > scores[1] or other[1] < one[1])


def _apart(points: Sequence[Point]) -> list[Point]:
    """With the names of points that lie on each other below one another."""
    placed: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, point.y)):
        label_y = point.label_y
        while any(abs(other.x - point.x) < _NEAR and abs(other.label_y - label_y) < 13 for other in placed):
            label_y += 13
        placed.append(replace(point, label_y=label_y))
    return placed
