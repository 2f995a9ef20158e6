"""Changes of a lineage in words and in the drawing."""

from dataclasses import dataclass, replace

from app.core.charts import Axis, Whisker, axis_around, whisker
from app.evaluations.figures import headline as words
from app.evaluations.lineage.steps import Judged
from app.evaluators.describing import EvaluatorInfo
from app.statistics.intervals import Interval
from app.statistics.verdict import Verdict

PLOT_WIDTH = 300
_EDGE = 14
_LEAST_OF_SHARES = 0.08
"""The smallest range of an axis of shares: less would blow noise up."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A change in the drawing: from where, to where, and its interval around where it leads."""

    x: float
    width: float
    start: float
    mark: Whisker


@dataclass(frozen=True, slots=True)
class Amount:
    """A change in words."""

    value: str
    span: str
    tone: str
    """`better` or `worse` where the interval excludes 0 and the adjusted p is under 0.05; else `same`."""
    label: str
    p: str = ""
    verdict: Verdict | None = None
    is_noise: bool = False
    improved: int = 0
    worsened: int = 0
    bar: Bar | None = None


def written(interval: Interval, tone: str, info: EvaluatorInfo) -> Amount:
    """A change with its interval, in the evaluator's unit."""
    value = words.change_text(interval.estimate, info)
    span = words.signed_span(interval, info) if interval.lo is not None else "no interval"
    unit = " points" if info.is_share else ""
    return Amount(value, span, tone, f"{value}{unit}, 95% CI {span}")


def amount_of(judged: Judged, info: EvaluatorInfo) -> Amount:
    """A step, with its word, its adjusted p and the rows that turned."""
    changes, word = judged.step.changes, judged.verdict
    up = info.wanted == "higher"
    found = written(judged.step.delta, word.name if judged.is_clear else "same", info)
    return replace(
        found,
        label=f"{found.label}{', inside noise' if judged.is_noise else ''}",
        p=words.p_text(judged.step.adjusted_p),
        verdict=word,
        is_noise=judged.is_noise,
        improved=changes.higher if up else changes.lower,
        worsened=changes.lower if up else changes.higher,
    )


def fall(axis: Axis, base: float, delta: Interval) -> Bar:
    """A change that begins at the score `base`."""
    start, end = axis.at(base), axis.at(base + delta.estimate)
    ends = [None if one is None else base + one for one in (delta.lo, delta.hi)]
    mark = whisker(axis, base + delta.estimate, *ends)
    return Bar(min(start, end), round(abs(end - start), 1), start, mark)


def plot_axis(values: list[float | None], info: EvaluatorInfo) -> Axis:
    """An axis around these, as wide as the drawing."""
    known = [value for value in values if value is not None]
    least = _LEAST_OF_SHARES if info.is_share else 0.0
    return axis_around(known, _EDGE, PLOT_WIDTH - _EDGE, least=least)


def placed(axis: Axis, interval: Interval) -> Whisker:
    """An estimate where it stands."""
    return whisker(axis, interval.estimate, interval.lo, interval.hi)
