"""Where everything stands in the chart of a prompt's scores by version: intervals, the live band, deployments."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.evaluations.figures.headline import level
from app.evaluators.describing import EvaluatorInfo

_HEIGHT, _TOP, _BOTTOM = 328, 14, 280
_FIRST, _LAST = 5, 92
MOST_SHOWN = 10
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000)


@dataclass(frozen=True, slots=True)
class ScoredVersion:
    """One version with its score, as the chart needs it."""

    number: int
    value: float
    lo: float | None
    hi: float | None
    live: bool = False
    """Whether it runs in the default environment now."""
    deployed: str = ""
    """Where it last went and when: `live 4 Nov`, `staging`."""
    to_default: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A version in the drawing; `top` and `bottom` are the ends of its interval."""

    x: float
    y: float
    top: float | None
    bottom: float | None
    label: str
    version: ScoredVersion
    newest: bool


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """The drawing: percent of its width from left to right, pixels from top to bottom."""

    ticks: Sequence[tuple[float, str]]
    points: Sequence[Point]
    band: tuple[float, float] | None
    """Top and height of the live version's interval."""
    sentence: str
    height: int = _HEIGHT
    bottom: int = field(default=_BOTTOM)


def draw_scores(versions: Sequence[ScoredVersion], info: EvaluatorInfo) -> ScoreChart | None:
    """The chart of the last versions, oldest first; None for none. The axis starts where the data need it to."""
    shown = list(versions)[-MOST_SHOWN:]
    if not shown:
        return None
    low, high, step = _axis(shown, share=info.is_share)
    scale = (_BOTTOM - _TOP) / (high - low)

    def y(value: float) -> float:
        return round(_BOTTOM - (min(max(value, low), high) - low) * scale, 1)

    gap = (_LAST - _FIRST) / max(1, len(shown) - 1)
    points = [
        Point(
            x=round(_FIRST + gap * place, 1) if len(shown) > 1 else (_FIRST + _LAST) / 2,
            y=y(each.value),
            top=None if each.hi is None else y(each.hi),
            bottom=None if each.lo is None else y(each.lo),
            label=level(each.value, info).removesuffix("%"),
            version=each,
            newest=place == len(shown) - 1,
        )
        for place, each in enumerate(shown)
    ]
    band = next(
        (
            (p.top, round(p.bottom - p.top, 1))
            for p in points
            if p.version.live and p.top is not None and p.bottom is not None
        ),
        None,
    )
    count = round((high - low) / step)
    ticks = [(y(low + step * n), level(low + step * n, info).replace(".0%", "%")) for n in range(count + 1)]
    listed = "; ".join(f"v{each.number} {level(each.value, info)}" for each in shown)
    return ScoreChart(ticks, points, band, listed)


def _axis(versions: Sequence[ScoredVersion], *, share: bool) -> tuple[float, float, float]:
    """From, to and step of the axis: round numbers around every interval, three to six steps."""
    lowest = min(each.value if each.lo is None else each.lo for each in versions)
    highest = max(each.value if each.hi is None else each.hi for each in versions)
    if share:
        lowest, highest = max(0.0, lowest), min(1.0, highest)
    span = max(highest - lowest, 0.02 if share else abs(highest) * 0.1 or 1)
    step = next((step for step in _STEPS if span / step <= 5), 10 ** math.ceil(math.log10(span)))
    low = math.floor(lowest / step + 1e-9) * step
    high = max(low + step, math.ceil(highest / step - 1e-9) * step)
    return low, high, step
