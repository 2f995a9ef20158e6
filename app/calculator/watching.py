"""Looking at results while they come, and experiments on users."""

from typing import Annotated

from pydantic import Field

from app.calculator.arguments import (
    Confidence,
    Count,
    CountList,
    Finite,
    Numbers,
    Scores,
    WithConfidence,
    same_length,
)
from app.calculator.contract import Arguments, Entry, Result
from app.calculator.means import NO_SCORE
from app.calculator.planning import Power
from app.statistics.experiments import (
    cuped,
    sample_ratio_p,
    sample_size_two_proportions,
    two_proportions,
)
from app.statistics.figures import Figure
from app.statistics.sequential import (
    Evidence,
    asymptotic_confidence_sequence,
    bernoulli_e_value,
    mixture_sprt,
)

Share = Annotated[float, Field(ge=0, le=1)]
_NO_USERS = "an arm has no users"


class Watched(WithConfidence):
    """Scores, or differences, as far as they have come."""

    scores: Scores
    """Scores so far, or differences of a paired comparison; null for a row without one."""
    tightest_at: Annotated[int, Field(ge=1, le=10**9)] = 200
    """Rows at which the interval shall be narrowest: chosen before the first look, and not changed."""


class Tosses(Arguments):
    """Rows that changed so far."""

    successes: Count
    """Rows that improved."""
    failures: Count
    """Rows that got worse."""
    prior: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    """a of the Beta(a, a) that is mixed over: 1 for any share, more for shares near one half."""


class Mixture(Arguments):
    """Scores, or differences, as far as they have come."""

    scores: Scores
    """Scores so far, or differences of a paired comparison; null for a row without one."""
    tau: Annotated[float, Field(gt=0, le=1e9)]
    """The size of the effects that are looked for."""
    null: Finite = 0.0
    """The mean that is tested against."""


class Arms(WithConfidence):
    """Two arms of an experiment."""

    successes_a: Count
    """Users of A with a success."""
    n_a: Count
    """Users of A."""
    successes_b: Count
    """Users of B with a success."""
    n_b: Count
    """Users of B."""


class Shares(Arguments):
    """Shares that shall be told apart."""

    share_a: Share
    """The share in A."""
    share_b: Share
    """The share in B."""
    power: Power = 0.8
    """How probable it shall be that the difference is found."""
    confidence: Confidence = 0.95
    """Of the test, two-sided."""


class Split(Arguments):
    """How many users came into each arm."""

    counts: CountList
    """Users of each arm."""
    expected: Numbers
    """The weight that each arm was meant to have, such as 0.5 and 0.5."""


class BeforeAndAfter(WithConfidence):
    """A value of each user before the experiment, and in it."""

    before_a: Numbers
    """Users of A, before."""
    after_a: Numbers
    """The same users, in the experiment."""
    before_b: Numbers
    """Users of B, before."""
    after_b: Numbers
    """The same users, in the experiment."""


def _sequence(asked: Watched) -> Result:
    found = asymptotic_confidence_sequence(asked.scores, asked.confidence, tightest_at=asked.tightest_at)
    return Figure.of(found) if found else Figure.undefined(0, "asymptotic confidence sequence", NO_SCORE)


def _coin(asked: Tosses) -> Result:
    found = bernoulli_e_value(asked.successes, asked.failures, asked.prior)
    return _evidence(found, f"e-value, mixture over Beta({asked.prior:g}, {asked.prior:g})")


def _sprt(asked: Mixture) -> Result:
    found = mixture_sprt(asked.scores, asked.tau, asked.null)
    method = f"mixture SPRT, tau {asked.tau:g}"
    if found is None:
        known = sum(score is not None for score in asked.scores)
        return Figure.undefined(known, method, "it needs two rows that differ")
    return _evidence(found, method)


def _evidence(found: Evidence, method: str) -> Figure:
    return Figure(found.e, found.n, method, p=found.p)


def _two_proportions(asked: Arms) -> Result:
    for name, successes, n in (("a", asked.successes_a, asked.n_a), ("b", asked.successes_b, asked.n_b)):
        if successes > n:
            raise ValueError(f"`successes_{name}` is more than `n_{name}`: it counts users, each once.")
    if not (asked.n_a and asked.n_b):
        return Figure.undefined(asked.n_a + asked.n_b, "Newcombe", _NO_USERS)
    found, p = two_proportions(asked.successes_a, asked.n_a, asked.successes_b, asked.n_b, asked.confidence)
    return Figure.of(found, p)


def _users(asked: Shares) -> Result:
    users = sample_size_two_proportions(asked.share_a, asked.share_b, asked.power, asked.confidence)
    return Figure(users, users, "users in each arm, two-proportion z test")


def _split(asked: Split) -> Result:
    same_length(counts=asked.counts, expected=asked.expected)
    n = sum(asked.counts)
    p = sample_ratio_p(asked.counts, asked.expected)
    alarm = ("the split is not as it was meant: find out why before reading results",) if p < 0.001 else ()
    if n == 0:
        alarm = ("there are no users yet",)
    return Figure(None, n, "Pearson's chi squared, alarm under .001", p=p, warnings=alarm)


def _cuped(asked: BeforeAndAfter) -> Result:
    same_length(before_a=asked.before_a, after_a=asked.after_a)
    same_length(before_b=asked.before_b, after_b=asked.after_b)
    found = cuped(asked.before_a, asked.after_a, asked.before_b, asked.after_b, asked.confidence)
    n = len(asked.after_a) + len(asked.after_b)
    if found is None:
        return Figure.undefined(n, "CUPED, Welch", "it needs two users in each arm, and values that differ")
    interval, p, saved = found
    return {
        "difference": Figure.of(interval, p),
        "variance_saved": Figure(saved, n, "1 - variance with / without CUPED"),
    }


_DIFFERENCES = [1, 0, 0, 1, -1, 0, 1, 0, 0, 1] * 4
SEQUENTIAL = (
    Entry(
        "asymptotic_cs",
        "The interval of a mean that may be looked at as often as one likes.",
        "m ± s √(2 (t r² + 1)/(t² r²) ln(√(t r² + 1)/alpha)), valid at all t at once for large t: none under 30 rows. It is 1.4 to "
        "2 times as wide as a fixed interval.",
        "Waudby-Smith et al. 2021 (arXiv:2103.06476); Howard et al. 2021 (arXiv:1810.08240)",
        Watched,
        _sequence,
        {"scores": _DIFFERENCES, "tightest_at": 100},
        aliases=("confidence_sequence",),
    ),
    Entry(
        "bernoulli_e_value",
        "Evidence that more rows improve than get worse, or the reverse, while they come.",
        "e = B(a + s, a + f)/B(a, a) 2^(s + f); p = 1/e holds at every look. e of 20 or more may end the spending. Rows that "
        "changed are independent.",
        "Howard et al. 2021 (arXiv:1810.08240); Waudby-Smith and Ramdas 2020 (arXiv:2010.09686)",
        Tosses,
        _coin,
        {"successes": 18, "failures": 4},
        aliases=("e_value",),
    ),
    Entry(
        "msprt",
        "Evidence that a mean is not the one that is tested against, while rows come.",
        "e = √(v/(v + n tau²)) exp(n² tau² (m - null)²/(2 v (v + n tau²))); p = 1/e holds at every look, for large n: v is taken "
        "from the rows.",
        "Johari et al. 2022",
        Mixture,
        _sprt,
        {"scores": _DIFFERENCES, "tau": 0.1},
    ),
)
EXPERIMENTS = (
    Entry(
        "ab_two_proportions",
        "Share of B less share of A, with interval and p, at the end of an experiment.",
        "Newcombe's interval from both Wilson intervals; p of the pooled z test. Users are independent; one look.",
        "Newcombe 1998",
        Arms,
        _two_proportions,
        {"successes_a": 56, "n_a": 70, "successes_b": 48, "n_b": 80},
    ),
    Entry(
        "sample_size_two_proportions",
        "How many users each arm needs.",
        "n = (z_a √(2 p q) + z_b √(p_a q_a + p_b q_b))²/(p_a - p_b)² with p the mean share.",
        "Fleiss 1981",
        Shares,
        _users,
        {"share_a": 0.8, "share_b": 0.85},
    ),
    Entry(
        "srm",
        "Whether users were split as it was meant.",
        "Pearson's chi squared of the arms' counts against their weights; alarm at p < .001.",
        "Fabijan et al. 2019",
        Split,
        _split,
        {"counts": [5100, 4900], "expected": [0.5, 0.5]},
    ),
    Entry(
        "cuped",
        "The difference of two arms, less what was so before.",
        "after - theta (before - mean), theta pooled within arms; Welch's interval and p; variance_saved is what it is worth. Users "
        "are independent, and what was before does not depend on the arm.",
        "Deng et al. 2013",
        BeforeAndAfter,
        _cuped,
        {
            "before_a": [3, 5, 4, 6, 2, 5],
            "after_a": [3.5, 5.1, 4.6, 6.2, 2.4, 4.9],
            "before_b": [4, 3, 6, 5, 2, 4],
            "after_b": [4.9, 3.8, 6.9, 6.1, 2.7, 5.2],
        },
    ),
)
