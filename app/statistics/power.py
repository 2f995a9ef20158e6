"""Before a run: the difference that so many rows can find, and the rows that a difference needs."""

from math import asin, atan2, ceil, sin, sqrt
from statistics import NormalDist

from app.statistics.intervals import normal_quantile, standard_error
from app.statistics.samples import Clusters, Sample, Scores

DISCORDANCE = 0.2  # share of rows on which two versions differ, where no pair of runs says better


def smallest_detectable_difference(
    n: int,
    discordance: float = DISCORDANCE,
    power: float = 0.8,
    confidence: float = 0.95,
    *,
    sd: float | None = None,
    design_effect: float = 1.0,
) -> float | None:
    """The true paired difference that `n` rows show with this power; None when they can show none.

    Shares: the inverse of Connor's (1987) McNemar formula in `rows_needed`. A difference of d needs at least a
    share d of rows that differ, so `discordance` is raised to d where it is smaller. With `sd`, the standard
    deviation of the rows' differences, the score is continuous: (z_a + z_b) sd / √n (Miller 2024).
    """
    z_a, z_b = normal_quantile(confidence), power_quantile(power)
    rows = n / _checked(design_effect)
    if rows <= 0:
        return None
    if sd is not None:
        return (z_a + z_b) * sd / sqrt(rows)
    found = _inverse(rows, _share(discordance), z_a, z_b)
    if found is not None and found <= discordance:
        return found
    return _with_its_own_discordance(rows, z_a, z_b)


def rows_needed(
    difference: float,
    discordance: float = DISCORDANCE,
    power: float = 0.8,
    confidence: float = 0.95,
    *,
    sd: float | None = None,
    design_effect: float = 1.0,
) -> int:
    """Rows that show a true paired `difference` with this power; the sign does not matter.

    Shares: n = (z_a √psi + z_b √(psi - d²))² / d² with psi the discordance (raised to d where it is smaller).
    Continuous, with `sd` of the rows' differences: n = (z_a + z_b)² sd² / d². Clusters multiply by the design
    effect. ValueError for no difference.
    """
    d = abs(difference)
    if d == 0:
        raise ValueError("no number of rows shows a difference of 0")
    z_a, z_b = normal_quantile(confidence), power_quantile(power)
    if sd is not None:
        rows = ((z_a + z_b) * sd / d) ** 2
    else:
        psi = max(_share(discordance), _share(d))
        rows = ((z_a * sqrt(psi) + z_b * sqrt(psi - d * d)) / d) ** 2
    return max(2, ceil(rows * _checked(design_effect) - 1e-9))


def design_effect(scores: Scores, clusters: Clusters) -> float:
    """(SE_clustered / SE_naive)²: by how much clusters multiply the rows needed. 1 where it cannot be told."""
    sample, alone = Sample.of(scores, clusters), Sample.of(scores)
    if sample.n < 2 or sample.groups < 2:
        return 1.0
    naive = standard_error(alone)
    return (standard_error(sample) / naive) ** 2 if naive else 1.0


def _inverse(rows: float, psi: float, z_a: float, z_b: float) -> float | None:
    """Solve √n d = z_a √psi + z_b √(psi - d²) by d = √psi sin(angle), which makes it one sine."""
    reach = sqrt(rows + z_b * z_b)
    if z_a > reach:
        return None
    return sqrt(psi) * sin(atan2(z_b, sqrt(rows)) + asin(z_a / reach))


def _with_its_own_discordance(rows: float, z_a: float, z_b: float) -> float | None:
    """Solve n d = (z_a + z_b √(1 - d))², the case psi = d where every row that differs differs one way."""
    if rows < z_a * z_a:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rows * middle < (z_a + z_b * sqrt(1 - middle)) ** 2:
            low = middle
        else:
            high = middle
    return high


def power_quantile(power: float) -> float:
    if not 0.5 <= power < 1:
        raise ValueError(f"power must be at least 0.5 and below 1, not {power}")
    return NormalDist().inv_cdf(power)


def _share(value: float) -> float:
    if not 0 < value <= 1:
        raise ValueError(f"a share of rows lies above 0 and up to 1, not {value}")
    return value


def _checked(effect: float) -> float:
    if not effect > 0:
        raise ValueError(f"a design effect is positive, not {effect}")
    return effect
