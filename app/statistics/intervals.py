"""The score of one version: its mean with a confidence interval."""

from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

from app.statistics.arrays import Floats, np
from app.statistics.samples import FEWEST_CLUSTERS, Clusters, Sample, Scores, is_binary


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval.

    `lo` and `hi` are None together, where `warning` says why there is no interval. Bounds are never clipped:
    those of a share may leave [0, 1] (see `clipped`). `n` counts rows, never rows × repeats.
    """

    estimate: float
    lo: float | None
    hi: float | None
    n: int
    method: str
    clusters: int | None = None
    warning: str | None = None

    @property
    def width(self) -> float | None:
        return None if self.lo is None or self.hi is None else self.hi - self.lo

    def excludes(self, value: float = 0.0) -> bool:
        """Whether there is an interval and `value` lies outside it."""
        return self.lo is not None and self.hi is not None and not self.lo <= value <= self.hi

    def clipped(self, low: float = 0.0, high: float = 1.0) -> "Interval":
        """The same for display, with bounds inside [low, high]; the warning says it when they were not."""
        if self.lo is None or self.hi is None or (self.lo >= low and self.hi <= high):
            return self
        told = [self.warning] if self.warning else []
        warning = "; ".join([*told, f"drawn only from {low:g} to {high:g}"])
        return replace(self, lo=max(self.lo, low), hi=min(self.hi, high), warning=warning)


def mean_interval(
    scores: Scores,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    share: bool = True,
) -> Interval | None:
    """The mean of one version's scores, one for each row (average repeats before).

    Unclustered shares get Wilson, other scores t with n-1 degrees of freedom. With clusters, whatever the
    scores, the clustered standard error SE² = G/(G-1) Σ_g (Σ_{i in g} (s_i - m))² / n² with t on G-1 degrees of
    freedom (Miller 2024, with the finite-cluster factor); refused under 5 clusters. Scores that are all 0 or 1
    are a share; say `share=False` for times, money and counts, where a column of zeros is none. None for no
    scores.
    """
    sample = Sample.of(scores, clusters)
    if sample.n == 0:
        return None
    mean = float(sample.values.mean())
    refusal = why_no_interval(sample)
    if refusal is not None:
        return without_interval(mean, sample, refusal)
    if share and is_binary(sample.values) and (sample.codes is None or np.ptp(sample.values) == 0):
        # All pass or all fail in clusters: the clustered error is 0, so each cluster counts as one observation.
        passed = wilson(round(mean * sample.groups), sample.groups, confidence)
        method = "Wilson" if sample.codes is None else "Wilson on clusters"
        return replace(
            passed,
            estimate=mean,
            n=sample.n,
            method=method,
            clusters=sample.cluster_count,
            warning=sample.notes(),
        )
    return t_interval(sample, confidence)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share: never ±0, also at 0 and n of n. ValueError unless 0 ≤ successes ≤ n."""
    check_counts(successes, n)
    z = normal_quantile(confidence)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    lo = 0.0 if successes == 0 else centre - half
    hi = 1.0 if successes == n else centre + half
    return Interval(share, lo, hi, n, "Wilson")


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a share, for safety gates: covers at least `confidence`, usually more."""
    from scipy.special import betaincinv  # noqa: PLC0415 - scipy takes 0.1 s to import

    check_counts(successes, n)
    tail = (1 - confidence) / 2
    lo = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    hi = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Interval(successes / n, lo, hi, n, "Clopper-Pearson")


def t_interval(sample: Sample, confidence: float) -> Interval:
    """Mean ± t SE over at least two rows, with the clustered error where the sample has clusters."""
    estimate = float(sample.values.mean())
    half = t_quantile(confidence, sample.groups - 1) * standard_error(sample)
    flat = "every row has the same value" if np.ptp(sample.values) == 0 else None
    return Interval(
        estimate,
        estimate - half,
        estimate + half,
        sample.n,
        "t" if sample.codes is None else "clustered t",
        clusters=sample.cluster_count,
        warning=sample.notes(flat),
    )


def standard_error(sample: Sample) -> float:
    """SE of the mean with the factor G/(G-1); without clusters every row is one, which is the usual n/(n-1)."""
    values = sample.values
    if np.ptp(values) == 0:  # the mean of equal numbers may differ from them in the last bit
        return 0.0
    sums: Floats = sample.sums(values - values.mean())
    return sqrt(sample.groups / (sample.groups - 1) * float(sums @ sums)) / sample.n


def why_no_interval(sample: Sample) -> str | None:
    """Why this sample supports no interval, or None when it does."""
    if sample.n == 1:
        return "one row has no interval"
    if sample.codes is not None and sample.groups < FEWEST_CLUSTERS:
        what = "cluster" if sample.groups == 1 else "clusters"
        return f"{sample.groups} {what}: an interval needs at least {FEWEST_CLUSTERS}"
    return None


def without_interval(estimate: float, sample: Sample, refusal: str) -> Interval:
    """The estimate alone, saying why."""
    return Interval(
        estimate, None, None, sample.n, "none", clusters=sample.cluster_count, warning=sample.notes(refusal)
    )


def normal_quantile(confidence: float) -> float:
    """z of a two-sided interval; ValueError unless 0 < confidence < 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def t_quantile(confidence: float, degrees: float) -> float:
    """t of a two-sided interval with `degrees` of freedom."""
    from scipy.special import stdtrit  # noqa: PLC0415 - scipy takes 0.1 s to import

    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return float(stdtrit(degrees, (1 + confidence) / 2))


def check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is no share")
