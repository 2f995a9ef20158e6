"""Bootstrap intervals of means, percentiles, ratios and scores of a whole corpus."""

from typing import Literal

from pydantic import Field

from app.calculator.arguments import (
    Keys,
    KnownKeys,
    Numbers,
    Resamples,
    Scores,
    Seed,
    WithClusters,
    same_length,
)
from app.calculator.contract import Entry, Result
from app.calculator.means import NO_SCORE
from app.calculator.pairs import NO_PAIR
from app.statistics.bootstrap import (
    SEED,
    Statistic,
    bootstrap_interval,
    bootstrap_intervals,
    mean_statistic,
    paired_bootstrap,
    percentile_statistic,
    ratio_statistic,
)
from app.statistics.classification import averages_statistics
from app.statistics.figures import Figure
from app.statistics.intervals import Interval


class Resampled(WithClusters):
    """Of everything that is resampled."""

    resamples: Resamples | None = None
    """How many; 10,000 up to 5,000 rows, fewer above, if it is left out."""
    seed: Seed = SEED
    """What rows are drawn by; the same seed gives the same interval."""


class Values(Resampled):
    """One value a row."""

    values: Scores
    """Values; null for a row without one, which is left out."""
    statistic: Literal["mean", "median", "percentile"] = "mean"
    """What of the values."""
    percentile: float = Field(0.95, ge=0, le=1)
    """Which, for `percentile`: 0.95 is p95."""


class PairedValues(Resampled):
    """One value a row of each of two versions."""

    baseline: Scores
    """Values of the version that is compared with; null where there is none."""
    candidate: Scores
    """Values of the version that is looked at, in the order of `baseline`."""
    statistic: Literal["mean", "median", "percentile"] = "mean"
    """What of the values."""
    percentile: float = Field(0.95, ge=0, le=1)
    """Which, for `percentile`."""


class Ratio(Resampled):
    """Two columns."""

    numerators: Numbers
    """What is added up above, such as cost."""
    denominators: Numbers
    """What is added up below, such as successes."""


class Labels(Resampled):
    """Labels of rows."""

    targets: KnownKeys
    """The right label of each row."""
    predictions: Keys
    """The label that was given; null for no answer."""


def _of(values: Scores, statistic: str, share: float) -> Statistic:
    if statistic == "mean":
        return mean_statistic([value for value in values if value is not None])
    return percentile_statistic(
        [value for value in values if value is not None], 0.5 if statistic == "median" else share
    )


def _bootstrap(asked: Values) -> Result:
    same_length(values=asked.values, clusters=asked.clusters)
    kept = [row for row, value in enumerate(asked.values) if value is not None]
    values = [asked.values[row] for row in kept]
    found = bootstrap_interval(
        _of(values, asked.statistic, asked.percentile),
        len(kept),
        [asked.clusters[row] for row in kept] if asked.clusters else None,
        asked.confidence,
        resamples=asked.resamples,
        seed=asked.seed,
    )
    return _told(found, NO_SCORE, len(asked.values) - len(kept))


def _cluster_bootstrap(asked: Values) -> Result:
    if asked.clusters is None:
        raise ValueError("`clusters` is missing: give each row's cluster, or ask for bootstrap.")
    return _bootstrap(asked)


def _paired(asked: PairedValues) -> Result:
    same_length(baseline=asked.baseline, candidate=asked.candidate, clusters=asked.clusters)
    kept = [
        row for row, pair in enumerate(zip(asked.baseline, asked.candidate, strict=True)) if None not in pair
    ]
    before, after = ([side[row] for row in kept] for side in (asked.baseline, asked.candidate))
    found = paired_bootstrap(
        _of(before, asked.statistic, asked.percentile),
        _of(after, asked.statistic, asked.percentile),
        len(kept),
        [asked.clusters[row] for row in kept] if asked.clusters else None,
        asked.confidence,
        resamples=asked.resamples,
        seed=asked.seed,
    )
    return _told(found, NO_PAIR, len(asked.baseline) - len(kept))


def _told(found: Interval | None, nothing: str, left_out: int) -> Figure:
    if found is None:
        return Figure.undefined(0, "bootstrap", nothing)
    more = (f"{left_out} {'row' if left_out == 1 else 'rows'} without a value left out",) if left_out else ()
    return Figure.of(found, warnings=more)


def _ratio(asked: Ratio) -> Result:
    same_length(numerators=asked.numerators, denominators=asked.denominators, clusters=asked.clusters)
    found = bootstrap_interval(
        ratio_statistic(asked.numerators, asked.denominators),
        len(asked.numerators),
        asked.clusters,
        asked.confidence,
        resamples=asked.resamples,
        seed=asked.seed,
    )
    return _told(found, "the denominators add up to 0", 0)


def _classification(asked: Labels) -> Result:
    same_length(targets=asked.targets, predictions=asked.predictions, clusters=asked.clusters)
    # Texts and whole numbers do not sort together, and "1" is not 1.
    targets = [repr(label) for label in asked.targets]
    predictions = [None if label is None else repr(label) for label in asked.predictions]
    if len(set(targets)) > _MOST_LABELS:
        raise ValueError(f"There are {len(set(targets)):,} labels: give at most {_MOST_LABELS}.")
    if not targets:
        return Figure.undefined(0, "bootstrap", NO_SCORE)
    statistics = averages_statistics(targets, predictions)
    right = [target == given for target, given in zip(targets, predictions, strict=True)]
    n, classes = len(targets), len(set(targets))
    found = bootstrap_intervals(
        {"accuracy": mean_statistic(right), **statistics},
        n,
        asked.clusters,
        asked.confidence,
        resamples=asked.resamples or max(1_000, min(10_000, 50_000_000 // (n + 20 * classes))),
        seed=asked.seed,
    )
    undefined = {
        name: Figure.undefined(n, "bootstrap", "undefined: no label was predicted")
        for name in statistics
        if name not in found
    }
    return {name: Figure.of(interval) for name, interval in found.items()} | undefined


_MOST_LABELS = 500
_LATENCIES = [820, 640, 910, 1340, 700, 655, 2100, 880, 790, 1010, 940, 860]
ENTRIES = (
    Entry(
        "bootstrap",
        "The interval of a mean, a median or a percentile, such as the p95 of latency.",
        "Rows (or whole clusters) are drawn with replacement; BCa under 200 of them, else percentile. The rows stand for "
        "those to come.",
        "Efron 1987; Davison and Hinkley 1997",
        Values,
        _bootstrap,
        {"values": _LATENCIES, "statistic": "percentile", "percentile": 0.95, "resamples": 2_000},
    ),
    Entry(
        "cluster_bootstrap",
        "The same, where rows belong together: whole clusters are drawn.",
        "As bootstrap, with `clusters`; none under 5 clusters.",
        "Davison and Hinkley 1997, section 3.8",
        Values,
        _cluster_bootstrap,
        {"values": _LATENCIES, "clusters": list("aabbccddeeff"), "resamples": 2_000},
    ),
    Entry(
        "paired_bootstrap",
        "The interval of a difference of means, medians or percentiles on the same rows.",
        "Both versions are resampled by the same rows (or whole clusters); BCa under 200, else percentile.",
        "Efron 1987; Koehn 2004",
        PairedValues,
        _paired,
        {
            "baseline": _LATENCIES,
            "candidate": [value * 0.9 for value in _LATENCIES],
            "statistic": "median",
            "resamples": 2_000,
        },
    ),
    Entry(
        "ratio_bootstrap",
        "A sum over a sum, such as cost per success, with its interval.",
        "Σ numerators / Σ denominators on resampled rows (or whole clusters); resamples without a denominator are left out "
        "and counted.",
        "Efron 1987",
        Ratio,
        _ratio,
        {
            "numerators": [0.01, 0.02, 0.015, 0.01, 0.03, 0.01],
            "denominators": [1, 1, 0, 1, 1, 0],
            "resamples": 2_000,
        },
        aliases=("cost_per_success",),
    ),
    Entry(
        "classification",
        "Accuracy, and macro, micro and weighted precision, recall and F1, with intervals.",
        "As scikit-learn over the labels that occur as a target, what is undefined left out of averages; bootstrap over "
        "rows (or whole clusters).",
        "Sokolova and Lapalme 2009; Efron 1987",
        Labels,
        _classification,
        {
            "targets": ["card", "card", "loan", "loan", "card", "fee", "fee", "loan", "card", "fee"],
            "predictions": ["card", "loan", "loan", "loan", "card", "fee", None, "card", "card", "fee"],
            "resamples": 2_000,
        },
    ),
)
