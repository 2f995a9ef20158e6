"""Repeats of the same rows: what varies between rows, what within them, and what more repeats are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from app.statistics.arrays import Floats, np
from app.statistics.intervals import Interval, mean_interval
from app.statistics.samples import Clusters

Repeats = Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Components:
    """One-way random effects. `between` is None with one row, `within` where no row has two repeats.

    `reliability` is ICC(1), the share of the variance of a single score that lies between rows, with its interval where
    all rows have the same number of repeats; `flips` is the share of rows of at least two repeats whose scores differ.
    """

    n: int
    repeats: float
    between: float | None
    within: float | None
    reliability: Interval | None
    flips: tuple[int, int]


def row_means(repeats: Repeats) -> list[float | None]:
    """The mean of each row's scores; None for a row that has none. Averages come before intervals: n stays the rows."""
    found: list[float | None] = []
    for row in repeats:
        known = [score for score in row if score is not None]
        found.append(sum(known) / len(known) if known else None)
    return found


def repeats_interval(
    repeats: Repeats, clusters: Clusters | None = None, confidence: float = 0.95
) -> Interval | None:
    """The mean over rows of their means, as `mean_interval`: never over rows × repeats."""
    return mean_interval(row_means(repeats), clusters, confidence)


def variance_components(repeats: Repeats, confidence: float = 0.95) -> Components | None:
    """Variance between and within rows by the analysis of variance (Searle 1971), rows of different size allowed.

    within = SS_w/(N - n); between = (MS_b - within)/k0 with k0 = (N - Σ k_i²/N)/(n - 1), 0 where that is negative.
    The standard error of the mean over n rows with K repeats is √((between + within/K)/n). None for no scores.
    """
    rows = [known for row in repeats if (known := [score for score in row if score is not None])]
    if not rows:
        return None
    several = [row for row in rows if len(row) > 1]
    flips = (sum(1 for row in several if min(row) < max(row)), len(several))
    n, sizes = len(rows), np.array([len(row) for row in rows], dtype=np.float64)
    codes = np.repeat(np.arange(n), sizes.astype(np.intp))
    values = np.array([score for row in rows for score in row], dtype=np.float64)
    total = float(len(values))
    means = np.bincount(codes, weights=values) / sizes
    spread = float(((values - means[codes]) ** 2).sum()) if flips[0] else 0.0
    within = spread / (total - n) if total > n else None
    if n < 2 or within is None:
        return Components(n, total / n, None, within, None, flips)
    grand = float((means * sizes).sum()) / total
    among = float((sizes * (means - grand) ** 2).sum()) / (n - 1)
    size = (total - float((sizes**2).sum()) / total) / (n - 1)
    between = max(0.0, (among - within) / size)
    reliability = _reliability(among, within, n, sizes, size, confidence)
    return Components(n, total / n, between, within, reliability, flips)


def _reliability(
    among: float, within: float, n: int, sizes: Floats, size: float, confidence: float
) -> Interval | None:
    """ICC(1) with the F interval of Shrout and Fleiss (1979); None where nothing varies."""
    from scipy.special import fdtri  # noqa: PLC0415 - scipy takes 0.1 s to import

    below = among + (size - 1) * within
    if below <= 0:
        return None
    estimate = (among - within) / below
    method = "ICC(1)"
    if np.ptp(sizes) > 0:
        return Interval(
            estimate, None, None, n, method, warning="rows differ in repeats: there is no exact interval"
        )
    if within == 0:
        return Interval(estimate, None, None, n, method, warning="no row's scores differ from each other")
    k, tail, ratio = float(sizes[0]), (1 + confidence) / 2, among / within
    degrees = n * (k - 1)
    low = ratio / float(fdtri(n - 1, degrees, tail))
    high = ratio * float(fdtri(degrees, n - 1, tail))
    return Interval(
        estimate, (low - 1) / (low + k - 1), (high - 1) / (high + k - 1), n, f"{method}, Shrout-Fleiss"
    )


def standard_error_of_mean(between: float, within: float, n: int, repeats: float) -> float:
    """√((between + within/K)/n): what n rows with K repeats each give."""
    return sqrt((between + within / repeats) / n)
