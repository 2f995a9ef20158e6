"""Whether two versions are as good as each other: two one-sided tests."""

from dataclasses import dataclass

from app.statistics.arrays import np
from app.statistics.intervals import Interval, standard_error, t_interval, why_no_interval, without_interval
from app.statistics.paired import differences
from app.statistics.samples import Clusters, Scores


@dataclass(frozen=True, slots=True)
class Equivalence:
    """`interval` has the confidence 1 - 2 alpha; equivalent where it lies inside ±margin, which is p < alpha."""

    interval: Interval
    p: float | None
    equivalent: bool | None


def equivalence(
    baseline: Scores,
    candidate: Scores,
    margin: float,
    clusters: Clusters | None = None,
    alpha: float = 0.05,
) -> Equivalence | None:
    """Two one-sided t tests (Schuirmann 1987) of |candidate - baseline| < margin on the same rows.

    p is the larger of both; the standard error is clustered, with G-1 degrees of freedom, where there are clusters.
    None for no row; without p where the rows support no interval. ValueError for a margin that is not positive.
    """
    from scipy.special import stdtr  # noqa: PLC0415 - scipy takes 0.1 s to import

    if margin <= 0:
        raise ValueError("the margin is the largest difference that does not matter: above 0")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, not {alpha}")
    pairs = differences(baseline, candidate, clusters)
    if pairs.n == 0:
        return None
    mean = float(pairs.values.mean())
    refusal = why_no_interval(pairs)
    if refusal is not None:
        return Equivalence(without_interval(mean, pairs, refusal), None, None)
    if np.ptp(pairs.values) == 0:
        refusal = "every row differs by the same, so that nothing says how sure this is"
        return Equivalence(without_interval(mean, pairs, refusal), None, None)
    se = standard_error(pairs)
    if se == 0:
        refusal = "every cluster differs by the same, so that nothing says how sure this is"
        return Equivalence(without_interval(mean, pairs, refusal), None, None)
    p = float(stdtr(pairs.groups - 1, (abs(mean) - margin) / se))
    return Equivalence(t_interval(pairs, 1 - 2 * alpha), p, p < alpha)
