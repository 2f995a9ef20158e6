"""Repeats, attempts, several tests, and equivalence."""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from app.calculator.arguments import (
    MOST,
    SCORE,
    CountList,
    Finite,
    KnownKeys,
    Numbers,
    Scores,
    WithClusters,
    array,
    listed,
    same_length,
    score,
)
from app.calculator.contract import Arguments, Entry, Result
from app.calculator.means import NO_SCORE
from app.calculator.pairs import NO_PAIR
from app.statistics.comparisons import benjamini_hochberg, holm
from app.statistics.components import repeats_interval, standard_error_of_mean, variance_components
from app.statistics.equivalence import equivalence
from app.statistics.figures import Figure
from app.statistics.passing import passing_intervals

MOST_TESTS = 1_000
_MOST_REPEATS = 100


def _rows_of_scores(value: object) -> list[list[float | None]]:
    rows = listed(listed(score, _MOST_REPEATS))(value)
    if sum(map(len, rows)) > MOST:
        raise ValueError(f"has more than {MOST:,} scores in all: send fewer rows")
    return rows


Repeated = Annotated[
    list[list[float | None]],
    PlainValidator(_rows_of_scores),
    WithJsonSchema(array(array(SCORE, _MOST_REPEATS))),
]


class Repeats(WithClusters):
    """Scores of several runs over the same rows."""

    repeats: Repeated
    """For each row, the scores of its repeats; null for one that has none."""


class Attempts(WithClusters):
    """Attempts at the same rows."""

    attempts: CountList
    """How often each row was tried."""
    passed: CountList
    """How many of these attempts passed."""
    k: Annotated[int, Field(ge=1, le=1_000)]
    """Attempts that are looked at together."""


class Tests(Arguments):
    """The p values of one family of tests."""

    p_values: Numbers
    """One p a test."""
    adjustment: Literal["holm", "benjamini_hochberg"] = "holm"
    """holm for a gate: no false alarm among all; benjamini_hochberg for slices that are explored."""
    names: KnownKeys | None = None
    """What the tests are called; they are numbered from 1, if it is left out."""


class Equivalent(WithClusters):
    """Scores of two versions on the same rows, and what does not matter."""

    baseline: Scores
    """One score a row of the version that is compared with; null where there is none."""
    candidate: Scores
    """One score a row of the version that is looked at, in the order of `baseline`."""
    margin: Finite
    """The largest difference that does not matter, above 0."""
    confidence: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.9
    """Of the interval that has to lie inside ±margin: 0.9 makes two tests at 5%."""


class ErrorOfMean(Arguments):
    """Variances as variance components give them."""

    between: Annotated[float, Field(ge=0, le=1e18)]
    """Variance between rows."""
    within: Annotated[float, Field(ge=0, le=1e18)]
    """Variance between repeats of a row."""
    n: Annotated[int, Field(ge=1, le=10**9)]
    """Rows."""
    repeats: Annotated[int, Field(ge=1, le=10**6)] = 1
    """Repeats of each."""


def _mean(asked: Repeats) -> Result:
    same_length(repeats=asked.repeats, clusters=asked.clusters)
    found = repeats_interval(asked.repeats, asked.clusters, asked.confidence)
    return Figure.of(found) if found else Figure.undefined(0, "none", NO_SCORE)


def _components(asked: Repeats) -> Result:
    found = variance_components(asked.repeats, asked.confidence)
    method = "one-way random effects"
    if found is None:
        return Figure.undefined(0, method, NO_SCORE)
    flipped, several = found.flips
    few = "it needs two rows, and a row with two repeats"
    figures = {
        name: Figure(value, found.n, method) if value is not None else Figure.undefined(found.n, method, few)
        for name, value in (("between", found.between), ("within", found.within))
    }
    figures["reliability"] = (
        Figure.of(found.reliability)
        if found.reliability
        else Figure.undefined(found.n, "ICC(1)", f"no score differs from another, or {few}")
    )
    figures["flip_rate"] = (
        Figure(flipped / several, several, "rows whose repeats differ")
        if several
        else Figure.undefined(0, "rows whose repeats differ", "no row has two repeats")
    )
    return figures


def _passing(asked: Attempts) -> Result:
    same_length(attempts=asked.attempts, passed=asked.passed, clusters=asked.clusters)
    found = passing_intervals(asked.attempts, asked.passed, asked.k, asked.clusters, asked.confidence)
    if not found:
        return Figure.undefined(0, "none", f"no row has {asked.k} attempts")
    return {name: Figure.of(interval) for name, interval in found.items()}


def _adjusted(asked: Tests) -> Result:
    n = len(asked.p_values)
    if n > MOST_TESTS:
        raise ValueError(f"There are {n:,} tests: give at most {MOST_TESTS:,}.")
    same_length(p_values=asked.p_values, names=asked.names)
    names = [str(name) for name in asked.names] if asked.names else [str(at) for at in range(1, n + 1)]
    if len(set(names)) < n:
        raise ValueError("Two tests have the same name: give each its own.")
    method = "Holm" if asked.adjustment == "holm" else "Benjamini-Hochberg"
    if n == 0:
        return Figure.undefined(0, method, "there are no tests")
    adjusted = (holm if asked.adjustment == "holm" else benjamini_hochberg)(asked.p_values)
    return {name: Figure(None, n, method, p=p) for name, p in zip(names, adjusted.tolist(), strict=True)}


def _equivalent(asked: Equivalent) -> Result:
    same_length(baseline=asked.baseline, candidate=asked.candidate, clusters=asked.clusters)
    alpha = (1 - asked.confidence) / 2
    found = equivalence(asked.baseline, asked.candidate, asked.margin, asked.clusters, alpha)
    if found is None:
        return Figure.undefined(0, "two one-sided t tests", NO_PAIR)
    return Figure.of(found.interval, found.p)


def _error(asked: ErrorOfMean) -> Result:
    return Figure(
        standard_error_of_mean(asked.between, asked.within, asked.n, asked.repeats),
        asked.n,
        "√((between + within/K)/n)",
    )


_REPEATS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
REPEATS = (
    Entry(
        "repeats_mean",
        "The mean of a version that answered each row several times.",
        "Repeats are averaged within the row, then as mean_ci_continuous: n stays the number of rows, never rows × "
        "repeats.",
        "Miller 2024 (arXiv:2411.00640)",
        Repeats,
        _mean,
        {"repeats": [[1, 1, 0], [0, 0, 0], [1, None, 1], [1, 1, 1], [0, 1, 0]]},
    ),
    Entry(
        "judge_repeats",
        "What varies between rows and what within them, how reliable one score is, and how often repeats flip.",
        "One-way random effects: within = SS_w/(N - n), between = (MS_b - within)/k0, not below 0; reliability is ICC(1) "
        "with the F interval, flip_rate the share of rows whose repeats differ. Repeats of a row are independent.",
        "Searle 1971; Shrout and Fleiss 1979",
        Repeats,
        _components,
        {"repeats": _REPEATS},
        aliases=("variance_components",),
    ),
    Entry(
        "standard_error_of_repeats",
        "How sure a mean would be with so many rows and repeats.",
        "√((between + within/K)/n): more rows beat more repeats.",
        "Miller 2024 (arXiv:2411.00640)",
        ErrorOfMean,
        _error,
        {"between": 0.15, "within": 0.08, "n": 200, "repeats": 3},
    ),
    Entry(
        "pass_at_k",
        "The chance that at least one of k attempts passes (pass_at_k), and that all do (pass_hat_k).",
        "1 - C(n - c, k)/C(n, k) and C(c, k)/C(n, k) a row, then the mean with its interval; rows with fewer than k attempts "
        "are left out and counted. Attempts at a row are independent.",
        "Chen et al. 2021 (arXiv:2107.03374); Yao et al. 2024 (arXiv:2406.12045)",
        Attempts,
        _passing,
        {"attempts": [5, 5, 5, 5, 4, 1], "passed": [5, 3, 0, 4, 2, 1], "k": 2},
        aliases=("pass_hat_k",),
    ),
)
TESTS = (
    Entry(
        "multiple_comparisons",
        "p values of several tests, adjusted for how many there are.",
        "Holm: p_(i) times the tests not yet rejected; at most alpha for any false alarm. Benjamini-Hochberg: p_(i) m/i; at "
        "most q of the rejected are false, for tests that are independent or positively dependent.",
        "Holm 1979; Benjamini and Hochberg 1995",
        Tests,
        _adjusted,
        {"p_values": [0.012, 0.2, 0.031, 0.004], "names": ["short", "long", "German", "numbers"]},
        aliases=("p_adjust",),
    ),
    Entry(
        "equivalence",
        "Whether two versions are as good as each other, up to a difference that does not matter.",
        "Two one-sided t tests of |difference| < margin, clustered where clusters are given; p is the larger. Equivalent "
        "where the interval (90%) lies inside ±margin.",
        "Schuirmann 1987",
        Equivalent,
        _equivalent,
        {
            "baseline": [0.5, 0.75, 0.25, 1, 0.5, 0.75, 0.5, 1],
            "candidate": [0.55, 0.7, 0.25, 1, 0.5, 0.75, 0.5, 0.95],
            "margin": 0.1,
        },
        aliases=("tost",),
    ),
)
