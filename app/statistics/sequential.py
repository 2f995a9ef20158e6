"""Looking at results while they come: intervals and evidence that hold at every look, however often one looks."""

from dataclasses import dataclass
from math import exp, lgamma, log, sqrt

from app.statistics.arrays import np
from app.statistics.intervals import Interval, standard_error
from app.statistics.samples import Sample, Scores

FEWEST = 30  # under this the normal limit behind an asymptotic confidence sequence is not there
_LARGEST_LOG = 700.0
_BETS = 128
_AT_ONCE = 4_096  # changes, each with every bet: 4 MB


@dataclass(frozen=True, slots=True)
class Evidence:
    """`e` against the null hypothesis, capped at e^700; p = min(1, 1/e) holds at every look. e ≥ 20 is p ≤ .05."""

    e: float
    p: float
    n: int


def asymptotic_confidence_sequence(
    scores: Scores, confidence: float = 0.95, *, tightest_at: int | None = None
) -> Interval | None:
    """Mean ± s √(2 (t r² + 1)/(t² r²) ln(√(t r² + 1)/alpha)), which holds at every t at once (Waudby-Smith et al. 2021).

    r makes it tightest at `tightest_at` rows (where it is left out, 200), and must be chosen before the first look. For a
    paired comparison give differences. No interval under 30 rows, where it has no guarantee; None for none.
    """
    sample = Sample.of(scores)
    t, alpha = sample.n, 1 - confidence
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    if t == 0:
        return None
    mean = float(sample.values.mean())
    method = "asymptotic confidence sequence"
    if t < FEWEST:
        return Interval(
            mean, None, None, t, method, warning=sample.notes(f"it needs {FEWEST} rows, and has {t}")
        )
    if np.ptp(sample.values) == 0:
        return Interval(
            mean, None, None, t, method, warning=sample.notes("every row has the same value so far")
        )
    r2 = mixing_variance(alpha, tightest_at or 200)
    sd = standard_error(sample) * sqrt(t)
    half = sd * sqrt(2 * (t * r2 + 1) / (t * t * r2) * log(sqrt(t * r2 + 1) / alpha))
    return Interval(mean, mean - half, mean + half, t, method, warning=sample.notes())


def mixing_variance(alpha: float, tightest_at: int) -> float:
    """r², which makes a confidence sequence of 1 - alpha tightest at so many rows."""
    return (-2 * log(alpha) + log(1 - 2 * log(alpha))) / tightest_at


def bernoulli_e_value(successes: int, failures: int, prior: float = 1.0) -> Evidence:
    """Evidence against a fair coin, such as improved against worsened rows: B(a + s, a + f)/B(a, a) 2^(s + f).

    A mixture over Beta(a, a), a martingale under one half (Ville 1939; Howard et al. 2021). 1 before the first toss.
    """
    if successes < 0 or failures < 0:
        raise ValueError("counts are not negative")
    if not prior > 0:
        raise ValueError(f"the prior is above 0, not {prior}")
    found = _log_beta(prior + successes, prior + failures) - _log_beta(prior, prior)
    return _evidence(found + (successes + failures) * log(2), successes + failures)


def bounded_e_value(changes: Scores, largest: float) -> Evidence:
    """Evidence against a mean change of 0, of changes of at most `largest` either way: the mean of Π(1 + b d/largest) over bets b
    that are spread evenly from -1 to 1.

    A martingale however the changes are spread, so that it holds at every look and from the first row on, for the most
    skewed scores too (Waudby-Smith and Ramdas 2024). Of changes of ±largest alone it is `bernoulli_e_value`, but for the
    grid. Rows have to be independent.
    """
    if not largest > 0:
        raise ValueError(f"the largest change is above 0, not {largest}")
    sample = Sample.of(changes)
    moved, counts = np.unique(sample.values / largest, return_counts=True)
    if len(moved) and max(-moved[0], moved[-1]) > 1 + 1e-9:
        raise ValueError(f"no change is larger than {largest}")
    bets = (2 * np.arange(_BETS) + 1) / _BETS - 1
    logarithms = np.zeros(_BETS)
    for at in range(0, len(moved), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        logarithms += np.log1p(np.outer(bets, moved[part])) @ counts[part]
    top = float(logarithms.max())
    return _evidence(top + log(float(np.exp(logarithms - top).mean())), sample.n)


def mixture_sprt(scores: Scores, tau: float, null: float = 0.0) -> Evidence | None:
    """Evidence against a mean of `null`, with effects spread as N(null, tau²) (Johari et al. 2022):

    √(v/(v + n tau²)) exp(n² tau² (mean - null)²/(2 v (v + n tau²))), v the variance of a row, taken from the rows, so
    that it holds for large n. None under two rows, or where no row differs from another.
    """
    if not tau > 0:
        raise ValueError(f"tau is the size of the effects that are looked for, above 0, not {tau}")
    sample = Sample.of(scores)
    n = sample.n
    if n < 2 or np.ptp(sample.values) == 0:
        return None
    v, away = float(sample.values.var(ddof=1)), float(sample.values.mean()) - null
    spread = v + n * tau * tau
    return _evidence(0.5 * log(v / spread) + (n * tau * away) ** 2 / (2 * v * spread), n)


def _evidence(logarithm: float, n: int) -> Evidence:
    return Evidence(exp(min(logarithm, _LARGEST_LOG)), exp(min(0.0, -logarithm)), n)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
