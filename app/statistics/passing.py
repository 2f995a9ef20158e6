"""Several attempts at each row: the chance that one of k passes, and that all k do."""

from collections.abc import Sequence

from app.statistics import deadline
from app.statistics.intervals import Interval, mean_interval
from app.statistics.samples import Clusters


def pass_at_k(attempts: int, passed: int, k: int) -> float | None:
    """1 - C(n - c, k)/C(n, k): that of k attempts drawn from these n at least one passed (Chen et al. 2021).

    None where there are fewer than k attempts.
    """
    _check(attempts, passed, k)
    return None if attempts < k else 1 - _none_of(attempts, passed, k)


def pass_hat_k(attempts: int, passed: int, k: int) -> float | None:
    """C(c, k)/C(n, k): that all of k attempts drawn from these n passed (Yao et al. 2024); None for fewer than k."""
    _check(attempts, passed, k)
    return None if attempts < k else _none_of(attempts, attempts - passed, k)


def passing_intervals(
    attempts: Sequence[int],
    passed: Sequence[int],
    k: int,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """The means over rows of both, as `mean_interval`; rows with fewer than k attempts are left out and counted."""
    pairs = list(zip(attempts, passed, strict=True))
    chances: dict[tuple[int, int], tuple[float | None, float | None]] = {}
    for n, c in set(pairs):
        deadline.check()
        chances[n, c] = (pass_at_k(n, c, k), pass_hat_k(n, c, k))
    columns = {
        "pass_at_k": [chances[pair][0] for pair in pairs],
        "pass_hat_k": [chances[pair][1] for pair in pairs],
    }
    found = {name: mean_interval(column, clusters, confidence) for name, column in columns.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def _none_of(n: int, marked: int, k: int) -> float:
    """C(n - marked, k)/C(n, k), as a product: the binomials themselves overflow."""
    if n - marked < k:
        return 0.0
    share = 1.0
    for drawn in range(k):
        share *= (n - marked - drawn) / (n - drawn)
    return share


def _check(attempts: int, passed: int, k: int) -> None:
    if not 0 <= passed <= attempts:
        raise ValueError(f"{passed} of {attempts} attempts cannot have passed")
    if k < 1:
        raise ValueError(f"k is at least 1, not {k}")
