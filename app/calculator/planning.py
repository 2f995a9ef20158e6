"""Before a run: rows that a difference needs, and the difference that rows can show."""

from typing import Annotated

from pydantic import Field

from app.calculator.arguments import Confidence, Effect, Keys, Scores, same_length
from app.calculator.contract import Arguments, Entry, Result
from app.statistics.arrays import np
from app.statistics.figures import Figure
from app.statistics.power import DISCORDANCE, design_effect, rows_needed, smallest_detectable_difference
from app.statistics.samples import Sample

Power = Annotated[float, Field(ge=0.5, le=0.9999)]
Share = Annotated[float, Field(gt=0, le=1)]
Spread = Annotated[float, Field(gt=0, le=1e9)]


class Planned(Arguments):
    """Of every plan."""

    power: Power = 0.8
    """How probable it shall be that a true difference is found."""
    confidence: Confidence = 0.95
    """Of the interval that shall exclude 0."""
    design_effect: Effect = 1.0
    """(SE with clusters / SE without)²: 1 where rows are independent."""


class RowsOfScore(Planned):
    """A difference of scores."""

    difference: Annotated[float, Field(ge=-1e9, le=1e9)]
    """The true paired difference that shall be found; its sign does not matter."""
    variance_between: Annotated[float, Field(ge=0, le=1e18)]
    """Variance of the rows' true differences (w²)."""
    variance_baseline: Annotated[float, Field(ge=0, le=1e18)] = 0.0
    """Variance between repeats of a row of the baseline."""
    variance_candidate: Annotated[float, Field(ge=0, le=1e18)] = 0.0
    """Variance between repeats of a row of the candidate."""
    repeats_baseline: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How often each row is answered by the baseline."""
    repeats_candidate: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How often each row is answered by the candidate."""


class DetectableOfScore(Planned):
    """Rows at hand."""

    n: Annotated[int, Field(ge=1, le=10**9)]
    """Rows."""
    sd: Spread | None = None
    """Standard deviation of the rows' differences; without it the score is a share of passes."""
    discordance: Share = DISCORDANCE
    """For a share: the part of rows on which the two versions differ."""


class RowsOfShare(Planned):
    """A difference of shares."""

    difference: Annotated[float, Field(ge=-1, le=1)]
    """The true paired difference that shall be found; its sign does not matter."""
    discordance: Share = DISCORDANCE
    """The part of rows on which the two versions differ."""


class Clustering(Arguments):
    """Scores, or differences, of rows that belong together."""

    scores: Scores
    """One score a row."""
    clusters: Keys
    """What each row belongs to."""


def _rows_of_score(asked: RowsOfScore) -> Result:
    within_baseline = asked.variance_baseline / asked.repeats_baseline
    variance = asked.variance_between + within_baseline + asked.variance_candidate / asked.repeats_candidate
    if variance == 0:
        raise ValueError("All variances are 0: then every row shows the same difference, and one is enough.")
    rows = rows_needed(
        asked.difference,
        power=asked.power,
        confidence=asked.confidence,
        sd=variance**0.5,
        design_effect=asked.design_effect,
    )
    return Figure(rows, rows, "Miller's sample size")


def _rows_of_share(asked: RowsOfShare) -> Result:
    rows = rows_needed(
        asked.difference,
        asked.discordance,
        asked.power,
        asked.confidence,
        design_effect=asked.design_effect,
    )
    raised = abs(asked.difference) > asked.discordance
    more = ("a difference needs at least as many rows that differ: discordance was raised to it",)
    return Figure(rows, rows, "Connor's sample size of McNemar's test", warnings=more if raised else ())


def _detectable(asked: DetectableOfScore) -> Result:
    found = smallest_detectable_difference(
        asked.n,
        asked.discordance,
        asked.power,
        asked.confidence,
        sd=asked.sd,
        design_effect=asked.design_effect,
    )
    method = "Miller's smallest detectable difference" if asked.sd else "inverse of Connor's sample size"
    if found is None:
        return Figure.undefined(asked.n, method, "so few rows can show no difference at all")
    return Figure(found, asked.n, method)


def _design_effect(asked: Clustering) -> Result:
    same_length(scores=asked.scores, clusters=asked.clusters)
    sample = Sample.of(asked.scores, asked.clusters)
    method = "(SE clustered / SE naive)²"
    if sample.n < 2 or sample.groups < 2 or float(np.ptp(sample.values)) == 0:
        return Figure.undefined(sample.n, method, "it needs two clusters, and scores that differ")
    notes = sample.notes()
    return Figure(
        design_effect(asked.scores, asked.clusters),
        sample.n,
        method,
        clusters=sample.groups,
        warnings=(notes,) if notes else (),
    )


ENTRIES = (
    Entry(
        "sample_size_miller",
        "How many rows show a difference of scores.",
        "n = (z_a/2 + z_b)² (w² + sA²/K_A + sB²/K_B)/d², times the design effect. Normal limit.",
        "Miller 2024 (arXiv:2411.00640), equation 9",
        RowsOfScore,
        _rows_of_score,
        {"difference": 0.03, "variance_between": 0.1111111111},
    ),
    Entry(
        "sample_size_mcnemar",
        "How many rows show a difference of shares.",
        "n = (z_a/2 √psi + z_b √(psi - d²))²/d² with psi the discordance, times the design effect. Normal limit.",
        "Connor 1987",
        RowsOfShare,
        _rows_of_share,
        {"difference": 0.05, "discordance": 0.2},
    ),
    Entry(
        "mde_miller",
        "The smallest true difference that so many rows show.",
        "Scores: (z_a/2 + z_b) sd √(design effect/n). Shares: the d at which sample_size_mcnemar asks for n.",
        "Miller 2024 (arXiv:2411.00640); Connor 1987",
        DetectableOfScore,
        _detectable,
        {"n": 400},
        aliases=("smallest_detectable_difference", "mde"),
    ),
    Entry(
        "design_effect",
        "By how much clusters multiply the rows that are needed.",
        "(SE clustered / SE naive)², both of the mean.",
        "Kish 1965",
        Clustering,
        _design_effect,
        {
            "scores": [1, 1, 0.5, 0, 0.25, 0, 1, 0.75, 0.5, 0.5, 1, 0],
            "clusters": ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "f", "f"],
        },
    ),
)
