"""Bootstrap intervals of what is no mean of row scores: macro-F1, a percentile of latency, a cost per success.

A statistic is a function of weights. It is given an array of shape (b, n), how often each row was drawn in each
of b resamples, and answers b numbers. Two versions are compared by one statistic on the same weights, which is
what makes the bootstrap paired.
"""

from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist

from app.statistics import deadline
from app.statistics.arrays import ArrayLike, Counts, Floats, np
from app.statistics.intervals import Interval, normal_quantile, why_no_interval, without_interval
from app.statistics.samples import Clusters, Sample

Statistic = Callable[[Counts], Floats]

RESAMPLES = 10_000
FEWEST_RESAMPLES = 1_000
SEED = 20_240_611
BCA_BELOW = 200  # rows (or clusters) under which the percentile interval is corrected for bias and skew
_DRAWS = 50_000_000  # rows × resamples: more rows get fewer resamples, never under FEWEST_RESAMPLES
_CHUNK = 1 << 20  # weights held at once


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    resamples: int | None = None,
    seed: int = SEED,
    name: str = "bootstrap",
) -> Interval | None:
    """The interval of `statistic` over `n` rows, resampling rows, or whole clusters where there are any.

    BCa (Efron 1987) under 200 rows or clusters, else percentile. 10,000 resamples up to 5,000 rows, fewer above,
    never under 1,000; `method` tells kind, number and seed. Resamples in which the statistic is undefined (NaN)
    are left out with a warning. None for no rows, or where the statistic is undefined on the rows themselves.
    """
    found = bootstrap_intervals(
        {name: statistic}, n, clusters, confidence, resamples=resamples, seed=seed, name=name
    )
    return found.get(name)


def bootstrap_intervals(
    statistics: Mapping[str, Statistic],
    n: int,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    resamples: int | None = None,
    seed: int = SEED,
    name: str = "bootstrap",
) -> dict[str, Interval]:
    """The intervals of several statistics on the same resamples, each as `bootstrap_interval` gives it.

    Drawing them once is most of the work where statistics share what they count.
    """
    sample = Sample.of(np.zeros(n), clusters)
    if n == 0:
        return {}
    whole = np.ones((1, n), dtype=np.int32)
    estimates = {key: float(statistic(whole)[0]) for key, statistic in statistics.items()}
    defined = {key: estimate for key, estimate in estimates.items() if np.isfinite(estimate)}
    refusal = why_no_interval(sample)
    if refusal is not None:
        return {key: without_interval(estimate, sample, refusal) for key, estimate in defined.items()}
    count = resamples or min(RESAMPLES, max(FEWEST_RESAMPLES, _DRAWS // n))
    drawn: dict[str, list[Floats]] = {key: [] for key in defined}
    for weights in _resampled(sample, count, seed):
        for key, values in drawn.items():
            values.append(statistics[key](weights))
    method = (name, f"{count:,} resamples, seed {seed}")
    return {
        key: _interval(statistics[key], sample, defined[key], np.concatenate(values), confidence, method)
        for key, values in drawn.items()
    }


def _interval(
    statistic: Statistic,
    sample: Sample,
    estimate: float,
    drawn: Floats,
    confidence: float,
    method: tuple[str, str],
) -> Interval:
    """The interval between the quantiles of what the resamples gave."""
    count, values = len(drawn), drawn[np.isfinite(drawn)]
    if len(values) < count / 2:
        return without_interval(estimate, sample, "undefined in most resamples")
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    kind = "percentile"
    if sample.groups < BCA_BELOW:
        kind, tails = "BCa", _bca_tails(statistic, sample, estimate, values, confidence)
    lo, hi = np.quantile(values, tails)
    lost = count - len(values)
    return Interval(
        estimate,
        float(lo),
        float(hi),
        sample.n,
        f"{method[0]}, {kind}, {method[1]}",
        clusters=sample.cluster_count,
        warning=sample.notes(f"undefined in {lost:,} of {count:,} resamples" if lost else None),
    )


def paired_bootstrap(
    baseline: Statistic,
    candidate: Statistic,
    n: int,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    resamples: int | None = None,
    seed: int = SEED,
) -> Interval | None:
    """Candidate minus baseline, both on the same resamples of the same `n` rows; as `bootstrap_interval`."""
    return bootstrap_interval(
        lambda weights: candidate(weights) - baseline(weights),
        n,
        clusters,
        confidence,
        resamples=resamples,
        seed=seed,
        name="paired bootstrap",
    )


def percentile_statistic(values: ArrayLike, share: float) -> Statistic:
    """The percentile below which `share` of the values lie, interpolated as numpy's default: p95 is 0.95."""
    column = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(column)):
        raise ValueError("a percentile needs finite values: leave the others out first")
    order = np.argsort(column, kind="stable")
    ordered = column[order]

    def percentile(weights: Counts) -> Floats:
        reached = np.cumsum(weights[:, order], axis=1)
        # Clusters differ in size, so that resamples do too.
        at = (reached[:, -1] - 1) * share
        below, above = np.floor(at), np.ceil(at)
        low = ordered[np.argmax(reached > below[:, None], axis=1)]
        high = ordered[np.argmax(reached > above[:, None], axis=1)]
        return np.asarray(low + (high - low) * (at - below))

    return percentile


def ratio_statistic(numerators: ArrayLike, denominators: ArrayLike) -> Statistic:
    """Sum over sum, such as cost per success; NaN in a resample whose denominators add up to 0."""
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)

    def ratio(weights: Counts) -> Floats:
        total = weights @ below
        missing = np.full(len(weights), np.nan)
        return np.asarray(np.divide(weights @ above, total, out=missing, where=total != 0))

    return ratio


def mean_statistic(values: ArrayLike) -> Statistic:
    """The plain mean, as a function of weights."""
    column = np.asarray(values, dtype=np.float64)
    return ratio_statistic(column, np.ones(len(column)))


def _resampled(sample: Sample, count: int, seed: int) -> Iterator[Counts]:
    """`count` resamples as weights, in chunks that bound the memory."""
    generator = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(sample.n, 1))
    for start in range(0, count, rows):
        deadline.check()
        b = min(rows, count - start)
        drawn = generator.integers(0, sample.groups, size=(b, sample.groups), dtype=np.int64)
        drawn += np.arange(b, dtype=np.int64)[:, None] * sample.groups
        weights = np.bincount(drawn.ravel(), minlength=b * sample.groups).astype(np.int32)
        weights = weights.reshape(b, sample.groups)
        yield weights if sample.codes is None else weights[:, sample.codes]


def _bca_tails(
    statistic: Statistic, sample: Sample, estimate: float, values: Floats, confidence: float
) -> tuple[float, float]:
    """The quantiles to read: moved by the bias of the resamples and the skew of the jackknife."""
    normal = NormalDist()
    below = float(np.mean(values < estimate) + np.mean(values == estimate) / 2)
    edge = 0.5 / len(values)
    bias = normal.inv_cdf(min(1 - edge, max(edge, below)))
    left_out = np.ones((sample.groups, sample.groups), dtype=np.int32) - np.eye(sample.groups, dtype=np.int32)
    jackknife = statistic(left_out if sample.codes is None else left_out[:, sample.codes])
    pulls = np.nanmean(jackknife) - jackknife
    pulls = pulls[np.isfinite(pulls)]
    spread = float((pulls**2).sum()) ** 1.5
    skew = float((pulls**3).sum()) / (6 * spread) if spread else 0.0
    z = normal_quantile(confidence)

    def moved(side: float) -> float:
        return normal.cdf(bias + (bias + side) / (1 - skew * (bias + side)))

    return moved(-z), moved(z)
