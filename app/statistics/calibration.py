"""Whether stated probabilities come true: Brier score, log loss and expected calibration error."""

from app.statistics.arrays import ArrayLike, Floats, np
from app.statistics.intervals import Interval, mean_interval
from app.statistics.samples import Clusters

FEWEST_FOR_ECE = 500
BINS = 10
_SMALLEST = 1e-15  # a probability of 0 or 1 that was wrong costs 34.5, not infinity


def brier_score(
    outcomes: ArrayLike, probabilities: ArrayLike, clusters: Clusters | None = None, confidence: float = 0.95
) -> Interval | None:
    """The mean of (p - y)² (Brier 1950), 0 is best; interval as of a mean. None for no rows."""
    y, p = _checked(outcomes, probabilities)
    return mean_interval((p - y) ** 2, clusters, confidence, share=False)


def log_loss(
    outcomes: ArrayLike, probabilities: ArrayLike, clusters: Clusters | None = None, confidence: float = 0.95
) -> Interval | None:
    """The mean of -log of the probability that was given to what came (Good 1952), in nats; p kept 1e-15 from 0 and 1."""
    y, p = _checked(outcomes, probabilities)
    p = np.clip(p, _SMALLEST, 1 - _SMALLEST)
    return mean_interval(-(y * np.log(p) + (1 - y) * np.log1p(-p)), clusters, confidence, share=False)


def expected_calibration_error(
    outcomes: ArrayLike, probabilities: ArrayLike, bins: int = BINS
) -> float | None:
    """Σ (n_b/n) |mean y - mean p| over bins of equal mass, in the order of p (Naeini et al. 2015).

    Rows with equal probabilities share a bin, so that their order cannot matter. It is biased upwards, the more the
    fewer rows: None under 500.
    """
    y, p = _checked(outcomes, probabilities)
    n = len(p)
    if n < FEWEST_FOR_ECE:
        return None
    order = np.argsort(p, kind="stable")
    y, p = y[order], p[order]
    first = np.searchsorted(p, p)  # of the rows with the same probability
    _, codes = np.unique(first * bins // n, return_inverse=True)
    sizes = np.bincount(codes)
    gaps = np.abs(np.bincount(codes, weights=y) - np.bincount(codes, weights=p)) / sizes
    return float((gaps * sizes).sum() / n)


def _checked(outcomes: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    y, p = np.asarray(outcomes, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if len(y) != len(p):
        raise ValueError(f"{len(y)} outcomes, but {len(p)} probabilities")
    if not np.all((y == 0) | (y == 1)):
        raise ValueError("an outcome is 0 or 1")
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("a probability lies between 0 and 1")
    return y, p
