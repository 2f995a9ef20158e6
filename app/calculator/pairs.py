"""Two versions on the same rows: differences with intervals, and tests of none."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from app.calculator.arguments import Count, Finite, Scores, Seed, WithClusters, WithConfidence, same_length
from app.calculator.contract import Arguments, Entry, Result
from app.statistics.figures import Figure
from app.statistics.intervals import why_no_interval, without_interval
from app.statistics.paired import (
    SEED,
    bonett_price,
    count_changes,
    mcnemar,
    paired_difference,
    paired_test,
    sign_flip,
    worst_case_bounds,
)
from app.statistics.samples import Sample
from app.statistics.verdict import verdict

CONFIDENCE = 0.95
"""Of the words: the table of reports says so."""
NO_PAIR = "no row has a score of both versions"


class Pair(WithClusters):
    """Scores of two versions on the same rows, in the same order."""

    baseline: Scores
    """One score a row of the version that is compared with; null where there is none: the row is left out on both sides."""
    candidate: Scores
    """One score a row of the version that is looked at, in the order of `baseline`."""
    share: bool = True
    """Whether scores that are all 0 or 1 are shares of passes; false for times, money and counts."""


class Tested(Pair):
    """As for a difference, with a seed for what is drawn."""

    seed: Seed = SEED
    """What random signs are drawn from; the same seed gives the same p."""


class Judged(Tested):
    """As for a difference, with what is wanted."""

    wanted: Literal["higher", "lower"] = "higher"
    """Which scores are better: lower for times and money."""
    smallest_difference: Annotated[float, Field(gt=0, le=1e50)] | None = None
    """The smallest difference that matters; with it, two versions can be found to be equal enough."""


class Bounded(Pair):
    """As for a difference, with the ends of the metric's scale."""

    fail: Finite = 0.0
    """The score of a row that failed."""
    success: Finite = 1.0
    """The score of a row that passed."""


class Changes(WithConfidence):
    """How many rows changed, of how many."""

    improved: Count
    """Rows that only the candidate passes."""
    worsened: Count
    """Rows that only the baseline passes."""
    n: Count
    """All rows that both have scored."""


class Differences(Arguments):
    """Differences of rows."""

    differences: Scores
    """Candidate minus baseline, one a row; null for a row without one."""
    seed: Seed = SEED
    """What random signs are drawn from."""


def _difference(asked: Tested) -> Figure:
    same_length(baseline=asked.baseline, candidate=asked.candidate, clusters=asked.clusters)
    scores = (asked.baseline, asked.candidate, asked.clusters)
    found = paired_difference(*scores, asked.confidence, share=asked.share)
    test = paired_test(*scores, share=asked.share, seed=asked.seed)
    if found is None or test is None:
        return Figure.undefined(0, "none", NO_PAIR)
    changes = count_changes(asked.baseline, asked.candidate)
    told = f"{changes.higher} rows higher, {changes.lower} lower, {changes.same} the same"
    return replace(Figure.of(found, test.p), method=f"{found.method}; p by {test.name}; {told}")


def _verdict(asked: Judged) -> Result:
    figure = _difference(asked)
    if asked.confidence != CONFIDENCE:
        raise ValueError("The words belong to intervals of 95%: leave `confidence` out.")
    rows = (asked.baseline, asked.candidate, asked.clusters)
    delta = paired_difference(*rows, CONFIDENCE, share=asked.share)
    word = verdict(
        delta,
        n=delta.n if delta else 0,
        wanted=asked.wanted,
        smallest_difference=asked.smallest_difference,
        share=asked.share and set(asked.baseline) | set(asked.candidate) <= {0.0, 1.0, None},
        delta90=paired_difference(*rows, 0.9, share=asked.share),
        p=figure.p,
    )
    told = ("the interval and the test disagree: it is at the border",) if word.borderline else ()
    return replace(figure, method=f"{word.name}: {figure.method}", warnings=figure.warnings + told)


def _worst_case(asked: Bounded) -> Result:
    same_length(baseline=asked.baseline, candidate=asked.candidate, clusters=asked.clusters)
    found = worst_case_bounds(
        asked.baseline,
        asked.candidate,
        asked.clusters,
        asked.confidence,
        fail=asked.fail,
        success=asked.success,
        share=asked.share,
    )
    if found is None:
        return Figure.undefined(0, "none", "there are no rows")
    missing = (
        f"{found.missing_baseline} scores of the baseline and {found.missing_candidate} of the candidate are missing",
    )
    return {
        "worst": Figure.of(found.worst, warnings=missing),
        "best": Figure.of(found.best, warnings=missing),
    }


def _bonett_price(asked: Changes) -> Result:
    _check(asked)
    if asked.n == 0:
        return Figure.undefined(0, "Bonett-Price", NO_PAIR)
    rows = [1.0] * asked.improved + [-1.0] * asked.worsened
    sample = Sample.of(rows + [0.0] * (asked.n - len(rows)))
    refusal = why_no_interval(sample)
    if refusal:
        return Figure.of(without_interval(float(sample.values.mean()), sample, refusal))
    return Figure.of(bonett_price(sample, asked.confidence))


def _mcnemar(asked: Changes) -> Result:
    _check(asked)
    if asked.n == 0:
        return Figure.undefined(0, "exact McNemar", NO_PAIR)
    test = mcnemar(asked.improved, asked.worsened, asked.n)
    difference = (asked.improved - asked.worsened) / asked.n
    return {
        "exact": Figure(difference, asked.n, test.name, p=test.p),
        "mid_p": Figure(difference, asked.n, "mid-p McNemar", p=test.mid_p),
    }


def _check(asked: Changes) -> None:
    if asked.improved + asked.worsened > asked.n:
        raise ValueError(
            f"{asked.improved:,} improved and {asked.worsened:,} worsened are more than all {asked.n:,} rows: "
            "`n` counts those that stayed the same, too."
        )
    if asked.n > 1_000_000:
        raise ValueError("`n` is at most 1,000,000.")


def _sign_flip(asked: Differences) -> Result:
    sample = Sample.of(asked.differences)
    if sample.n == 0:
        return Figure.undefined(0, "none", NO_PAIR)
    name, p = sign_flip(sample.values[sample.values != 0], asked.seed)
    notes = sample.notes()
    return Figure(float(sample.values.mean()), sample.n, name, p=p, warnings=(notes,) if notes else ())


def _t(asked: Pair) -> Result:
    same_length(baseline=asked.baseline, candidate=asked.candidate, clusters=asked.clusters)
    found = paired_difference(asked.baseline, asked.candidate, asked.clusters, asked.confidence, share=False)
    return Figure.of(found) if found else Figure.undefined(0, "none", NO_PAIR)


_BEFORE = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1]
_AFTER = [1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0]
ENTRIES = (
    Entry(
        "paired_difference",
        "Candidate minus baseline on the same rows, with its interval and the p of no difference.",
        "d_i = candidate_i - baseline_i over rows that both have scored. Shares without clusters: Bonett-Price interval "
        "and exact McNemar; all else: t, clustered where clusters are given, and random signs. Rows (or clusters) are "
        "independent of each other.",
        "Miller 2024 (arXiv:2411.00640); Bonett and Price 2012; McNemar 1947; Fisher 1935",
        Tested,
        _difference,
        {"baseline": _BEFORE, "candidate": _AFTER},
    ),
    Entry(
        "verdict",
        "The word that reports use for a change, first in `method`: better, worse, no_clear_change, no_relevant_difference or too_few.",
        "paired_difference with 95%; too_few under 30 rows; better or worse where the interval excludes 0; no_relevant_difference "
        "where the 90% interval lies inside ±smallest_difference; too_few for shares with an interval over 20 points wide.",
        "Schuirmann 1987 for equivalence; the table of words in the documentation of reports",
        Judged,
        _verdict,
        {"baseline": _BEFORE * 4, "candidate": _AFTER * 4},
    ),
    Entry(
        "paired_t",
        "The paired difference with a t interval, also for shares.",
        "d ± t SE(d), clustered with G/(G-1) and t on G-1 degrees of freedom where clusters are given. For few discordant "
        "rows of a share it is too narrow: bonett_price is not.",
        "Student 1908; Miller 2024 (arXiv:2411.00640)",
        Pair,
        _t,
        {"baseline": [0.5, 0.75, 0.25, 1, 0.5], "candidate": [0.75, 0.75, 0.5, 1, 0.25]},
    ),
    Entry(
        "paired_worst_case",
        "What the rows without a score could make of the difference.",
        "Worst: a missing candidate fails and a missing baseline passes; best: the reverse; each with the interval of "
        "paired_difference.",
        "Manski 1990",
        Bounded,
        _worst_case,
        {"baseline": [*_BEFORE, 1, None], "candidate": [*_AFTER, None, 1]},
    ),
    Entry(
        "bonett_price",
        "The interval of a paired difference of shares, from counts.",
        "(p1 - p2) ± z √((p1 + p2 - (p1 - p2)²)/(n + 2)) with p1 = (improved + 1)/(n + 2), p2 = (worsened + 1)/(n + 2). "
        "Rows are independent; the estimate stays the plain difference.",
        "Bonett and Price 2012",
        Changes,
        _bonett_price,
        {"improved": 12, "worsened": 5, "n": 100},
    ),
    Entry(
        "mcnemar",
        "Whether as many rows got better as got worse, from counts.",
        "exact: two-sided binomial test of the rows that changed against one half; mid_p: the same with half of the "
        "observed outcome's probability, which is less conservative. p is 1 when no row changed.",
        "McNemar 1947; Fagerland, Lydersen and Laake 2013",
        Changes,
        _mcnemar,
        {"improved": 12, "worsened": 5, "n": 100},
        aliases=("mcnemar_small", "mcnemar_agresti"),
    ),
    Entry(
        "sign_flip",
        "Whether the mean difference could be 0, without a distribution taken for granted.",
        "The share of all signs of the differences whose mean is at least as far from 0: all of them up to 15 differences "
        "that are not 0, then 10,000 draws, the normal limit from 10,000. Differences are symmetric about 0 under no "
        "effect, and independent.",
        "Fisher 1935; Phipson and Smyth 2010 for draws",
        Differences,
        _sign_flip,
        {"differences": [0.2, 0.1, -0.05, 0.3, 0.15, 0, 0.25]},
        aliases=("sign_flip_exact",),
    ),
)
