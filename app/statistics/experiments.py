"""Experiments on users: two shares, whether the split is as it was meant, and less noise from what came before."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from app.statistics.arrays import ArrayLike, np
from app.statistics.intervals import Interval, normal_quantile, t_quantile, wilson
from app.statistics.power import power_quantile


def two_proportions(
    successes_a: int, n_a: int, successes_b: int, n_b: int, confidence: float = 0.95
) -> tuple[Interval, float]:
    """Share of B minus share of A with Newcombe's (1998) interval from both Wilson intervals, and the p of the pooled z test.

    Users are independent, and looked at once, at the end. p is 1 where both shares are 0 or both 1.
    """
    a, b = wilson(successes_a, n_a, confidence), wilson(successes_b, n_b, confidence)
    if a.lo is None or a.hi is None or b.lo is None or b.hi is None:
        raise ValueError("a share needs users")
    d = b.estimate - a.estimate
    lo = d - sqrt((b.estimate - b.lo) ** 2 + (a.hi - a.estimate) ** 2)
    hi = d + sqrt((b.hi - b.estimate) ** 2 + (a.estimate - a.lo) ** 2)
    pooled = (successes_a + successes_b) / (n_a + n_b)
    se = sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return Interval(d, lo, hi, n_a + n_b, "Newcombe"), two_sided(d / se) if se else 1.0


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of numbers that are not at hand themselves."""

    mean: float
    variance: float | None
    """With n - 1; None for one number."""
    n: int


def mean_of(sample: Moments, confidence: float = 0.95) -> Interval:
    """The mean with its t interval; without one for a single number."""
    if sample.variance is None or sample.n < 2:
        return Interval(sample.mean, None, None, sample.n, "none", warning="one row has no interval")
    half = t_quantile(confidence, sample.n - 1) * sqrt(sample.variance / sample.n)
    return Interval(sample.mean, sample.mean - half, sample.mean + half, sample.n, "t")


def two_means(a: Moments, b: Moments, confidence: float = 0.95) -> Interval:
    """Mean of B minus mean of A, of independent numbers that may differ in variance: Welch's interval."""
    d, n = b.mean - a.mean, a.n + b.n
    if a.variance is None or b.variance is None or a.n < 2 or b.n < 2:
        return Interval(d, None, None, n, "none", warning="one row has no interval")
    va, vb = a.variance / a.n, b.variance / b.n
    if va + vb == 0:
        return Interval(d, d, d, n, "Welch")
    degrees = (va + vb) ** 2 / (va**2 / (a.n - 1) + vb**2 / (b.n - 1))
    half = t_quantile(confidence, degrees) * sqrt(va + vb)
    return Interval(d, d - half, d + half, n, "Welch")


def sample_size_two_proportions(
    share_a: float, share_b: float, power: float = 0.8, confidence: float = 0.95
) -> int:
    """Users in each arm that show these shares to differ:

    n = (z_a √(2 p q) + z_b √(p_a q_a + p_b q_b))²/(p_a - p_b)² with p the mean share (Fleiss 1981, without correction for
    continuity). ValueError for equal shares.
    """
    if not (0 <= share_a <= 1 and 0 <= share_b <= 1):
        raise ValueError("a share lies between 0 and 1")
    if share_a == share_b:
        raise ValueError("no number of users shows a difference of 0")
    z_a, z_b, mean = normal_quantile(confidence), power_quantile(power), (share_a + share_b) / 2
    under_null = z_a * sqrt(2 * mean * (1 - mean))
    under_truth = z_b * sqrt(share_a * (1 - share_a) + share_b * (1 - share_b))
    return max(2, ceil(((under_null + under_truth) / (share_a - share_b)) ** 2 - 1e-9))


def sample_ratio_p(counts: Sequence[int], expected: Sequence[float]) -> float:
    """The p that arms of these sizes come from a split by the `expected` weights: Pearson's chi squared. Alarm under .001."""
    from scipy.special import chdtrc  # noqa: PLC0415 - scipy takes 0.1 s to import

    seen, weights = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if len(seen) != len(weights) or len(seen) < 2:
        raise ValueError("a split has at least two arms, each with a count and an expected weight")
    if np.any(weights <= 0) or np.any(seen < 0):
        raise ValueError("an expected weight is above 0, and no count is negative")
    if seen.sum() == 0:
        return 1.0
    due = weights / weights.sum() * seen.sum()
    return float(chdtrc(len(seen) - 1, float(((seen - due) ** 2 / due).sum())))


def cuped(
    before_a: ArrayLike, after_a: ArrayLike, before_b: ArrayLike, after_b: ArrayLike, confidence: float = 0.95
) -> tuple[Interval, float, float] | None:
    """Mean of B minus mean of A, less what the time before explains (Deng et al. 2013), its p, and the share of variance saved.

    after - theta (before - mean before) with theta = Cov/Var pooled within arms; Welch's interval. None under two users
    in an arm, or where nothing varies.
    """
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 - scipy takes 0.1 s to import

    xa, ya, xb, yb = (np.asarray(one, dtype=np.float64) for one in (before_a, after_a, before_b, after_b))
    if len(xa) != len(ya) or len(xb) != len(yb):
        raise ValueError("each user has a value before and one after")
    if len(xa) < 2 or len(xb) < 2:
        return None
    da, db = xa - xa.mean(), xb - xb.mean()
    varied = float(da @ da + db @ db)
    theta = float(da @ (ya - ya.mean()) + db @ (yb - yb.mean())) / varied if varied else 0.0
    middle = float(np.concatenate([xa, xb]).mean())
    ra, rb = ya - theta * (xa - middle), yb - theta * (xb - middle)
    va, vb = float(ra.var(ddof=1)) / len(ra), float(rb.var(ddof=1)) / len(rb)
    plain = float(ya.var(ddof=1)) / len(ya) + float(yb.var(ddof=1)) / len(yb)
    if va + vb == 0:
        return None
    degrees = (va + vb) ** 2 / (va**2 / (len(ra) - 1) + vb**2 / (len(rb) - 1))
    d, se = float(rb.mean() - ra.mean()), sqrt(va + vb)
    half = float(stdtrit(degrees, (1 + confidence) / 2)) * se
    p = float(2 * stdtr(degrees, -abs(d) / se))
    return Interval(d, d - half, d + half, len(ya) + len(yb), "CUPED, Welch"), p, 1 - (va + vb) / plain


def two_sided(z: float) -> float:
    """The p of a normal z, both ways."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy takes 0.1 s to import

    return float(2 * ndtr(-abs(z)))
