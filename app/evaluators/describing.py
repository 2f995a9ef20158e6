"""What there is to say of an evaluator: how its scores are read, and what they come to over all rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.core.errors import DomainError
from app.evaluators.binding import bind
from app.evaluators.kinds.contract import ReturnType, Traits, Verdict, Wanted
from app.statistics.bootstrap import bootstrap_intervals
from app.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class EvaluatorInfo:
    """What pages and statistics need to know of an evaluator."""

    title: str
    return_type: ReturnType
    wanted: Wanted
    unit: str | None
    is_share: bool
    """Whether scores lie between 0 and 1 and are read as percentages."""
    model_calls: int
    """How many calls of models an output takes, at most."""
    traits: Traits | None = None
    """None where the evaluator is not known here."""

    @property
    def is_neutral(self) -> bool:
        """Whether neither a higher nor a lower score is better."""
        return self.traits is not None and self.traits.neutral

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest score that there can be; None where that is not known."""
        if self.is_share:
            return 0.0, 1.0
        return self.traits.scale if self.traits else None


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus metric with its interval."""

    title: str
    wanted: Wanted
    unit: str | None
    interval: Interval
    detail: dict[str, Any] | None


def describe(spec: Mapping[str, Any]) -> EvaluatorInfo:
    """What there is to say of an evaluator; never raises, for old reports must stay readable."""
    try:
        bound = bind(spec)
    except DomainError:
        return EvaluatorInfo("Unknown evaluator", "number", "higher", "points", is_share=False, model_calls=0)
    traits = bound.traits
    return EvaluatorInfo(
        title=bound.kind.title,
        return_type=traits.return_type,
        wanted=traits.wanted,
        unit=traits.unit,
        is_share=traits.is_share,
        model_calls=len(traits.asks) * traits.calls,
        traits=traits,
    )


def summarise(
    spec: Mapping[str, Any],
    details: Sequence[Mapping[str, Any]],
    rows: Sequence[str],
    clusters: Sequence[str | None],
) -> dict[str, Summary]:
    """The corpus metrics of a run, by name, from what its judgments noted; none for most kinds.

    The three are aligned: `rows[i]` and `clusters[i]` say which row `details[i]` is of. Whole clusters are resampled
    where there are any, else rows with all their repeats; n counts rows.
    """
    metrics = (
        bind(spec).summarise([Verdict(True, detail=detail) for detail in details]) if details else None
    ) or {}
    clustered, count = any(clusters), len(set(rows))
    groups: list[str] | None = None
    if clustered or count < len(rows):
        groups = [cluster or row for cluster, row in zip(clusters, rows, strict=True)]
    found = {}
    statistics = {name: metric.statistic for name, metric in metrics.items()}
    intervals = bootstrap_intervals(statistics, len(details), groups)
    for name, metric in metrics.items():
        interval = intervals.get(name)
        if interval:
            interval = replace(interval, n=count, clusters=interval.clusters if clustered else None)
            if interval.lo == interval.hi:  # nothing varies in the rows: that is no certainty
                interval = replace(interval, lo=None, hi=None)
            detail = dict(metric.detail) if metric.detail else None
            found[name] = Summary(metric.title, metric.wanted, metric.unit, interval, detail)
    return found
