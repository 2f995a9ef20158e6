"""The score of one version: means and shares with their intervals."""

from app.calculator.arguments import Count, Scores, WithClusters, WithConfidence, same_length
from app.calculator.contract import Entry, Result
from app.statistics.figures import Figure
from app.statistics.intervals import clopper_pearson, mean_interval, wilson

NO_SCORE = "no row has a score"


class Mean(WithClusters):
    """Scores of one version."""

    scores: Scores
    """One score a row, repeats averaged before; null for a row without a score, which is left out and counted."""
    share: bool = True
    """Whether scores that are all 0 or 1 are a share of passes; false for times, money and counts."""


class Clustered(Mean):
    """Scores of rows that belong together."""


class Share(WithConfidence):
    """How many passed, of how many."""

    successes: Count
    """Rows that passed."""
    n: Count
    """All rows."""


class NoFailures(WithConfidence):
    """A test that nothing failed."""

    n: Count
    """Rows, none of which failed."""


def _mean(asked: Mean) -> Result:
    same_length(scores=asked.scores, clusters=asked.clusters)
    found = mean_interval(asked.scores, asked.clusters, asked.confidence, share=asked.share)
    return Figure.of(found) if found else Figure.undefined(0, "none", NO_SCORE)


def _clustered(asked: Clustered) -> Result:
    if asked.clusters is None:
        raise ValueError("`clusters` is missing: give each row's cluster, or ask for mean_ci_continuous.")
    return _mean(asked)


def _wilson(asked: Share) -> Result:
    if asked.n == 0:
        return Figure.undefined(0, "Wilson", NO_SCORE)
    return Figure.of(wilson(_of(asked), asked.n, asked.confidence))


def _clopper_pearson(asked: Share) -> Result:
    if asked.n == 0:
        return Figure.undefined(0, "Clopper-Pearson", NO_SCORE)
    return Figure.of(clopper_pearson(_of(asked), asked.n, asked.confidence))


def _of(asked: Share) -> int:
    if asked.successes > asked.n:
        raise ValueError(f"{asked.successes:,} of {asked.n:,} is no share: `successes` is at most `n`.")
    return asked.successes


def _no_failures(asked: NoFailures) -> Result:
    method = "exact one-sided upper bound"
    if asked.n == 0:
        return Figure.undefined(0, method, NO_SCORE)
    return Figure(0.0, asked.n, method, lo=0.0, hi=1 - (1 - asked.confidence) ** (1 / asked.n))


ENTRIES = (
    Entry(
        "mean_ci_continuous",
        "The mean of a version's scores with its interval.",
        "m ± t(n-1) SE with SE² = Σ(s - m)²/(n(n-1)); Wilson where all scores are 0 or 1; clustered where clusters are "
        "given. Rows (or clusters) are independent of each other.",
        "Student 1908; Wilson 1927; Miller 2024 (arXiv:2411.00640)",
        Mean,
        _mean,
        {"scores": [0.8, 0.55, 0.9, 0.7, None, 0.65]},
        aliases=("mean",),
    ),
    Entry(
        "clustered_se",
        "The mean of scores whose rows belong together, with the interval that this makes.",
        "SE² = G/(G-1) Σ_g(Σ_{i in g}(s_i - m))²/n², t on G-1 degrees of freedom. Clusters are independent of each "
        "other. Under 5 clusters there is no interval, under 10 a warning.",
        "Miller 2024 (arXiv:2411.00640), with the finite-cluster factor",
        Clustered,
        _clustered,
        {
            "scores": [1, 1, 0.5, 0, 0.25, 0, 1, 0.75, 0.5, 0.5, 1, 0],
            "clusters": ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "f", "f"],
        },
        aliases=("mean_clustered",),
    ),
    Entry(
        "proportion_wilson",
        "A share of passes with its interval, which is never ±0.",
        "Wilson's score interval: the shares p with |k/n - p| ≤ z √(p(1-p)/n). Rows are independent.",
        "Wilson 1927",
        Share,
        _wilson,
        {"successes": 45, "n": 50},
        aliases=("wilson",),
    ),
    Entry(
        "proportion_clopper_pearson",
        "A share with an interval that covers at least as often as it says: for safety gates.",
        "The shares p under which neither tail of Binomial(n, p) beyond k is below (1 - confidence)/2. Rows are "
        "independent.",
        "Clopper and Pearson 1934",
        Share,
        _clopper_pearson,
        {"successes": 50, "n": 50},
        aliases=("clopper_pearson",),
    ),
    Entry(
        "proportion_no_failures",
        "How large the share of failures can still be when none was seen.",
        "One-sided: hi = 1 - (1 - confidence)^(1/n), about 3/n for 95% (the rule of three). Rows are independent.",
        "Hanley and Lippman-Hand 1983",
        NoFailures,
        _no_failures,
        {"n": 300},
        aliases=("rule_of_three",),
    ),
)
