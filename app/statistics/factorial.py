"""What each part of a change is worth, when every combination of parts was run on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import TypeVar

from app.statistics.arrays import Floats, np
from app.statistics.comparisons import holm
from app.statistics.intervals import Interval, mean_interval, t_quantile
from app.statistics.samples import Clusters

Cell = frozenset[str]
MOST_FACTORS = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effects:
    """`main`: a factor on, less off, averaged over the others. `interactions`: how much more two do together than one by
    one (the difference of differences). `shapley`: each factor's fair part of `total`, all on less none; they add up."""

    total: Interval
    main: Mapping[str, Interval]
    interactions: Mapping[tuple[str, str], Interval]
    shapley: Mapping[str, Interval]


def factorial_effects(
    factors: Sequence[str],
    cells: Mapping[Cell, Sequence[float | None]],
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> Effects | None:
    """Effects of up to 4 two-level factors from all 2^k cells, each with one score a row in the same order.

    Every effect is a contrast within the row, x_i = Σ_S w_S s_i(S), and then a mean with its t interval, clustered where
    there are clusters. Shapley weights are |S|!(k-|S|-1)!/k! (Shapley 1953). A row that lacks a score in any cell is left
    out of all of them and counted. None where no row has all scores. ValueError where a cell is missing.
    """
    if not 1 <= len(factors) <= MOST_FACTORS or len(set(factors)) < len(factors):
        raise ValueError(f"give 1 to {MOST_FACTORS} factors, each with a name of its own")
    wanted = [frozenset(chosen) for size in range(len(factors) + 1) for chosen in combinations(factors, size)]
    missing = [cell for cell in wanted if cell not in cells]
    if missing:
        told = "; ".join(" + ".join(sorted(cell)) or "none" for cell in missing[:5])
        raise ValueError(f"every combination of factors has to be run; missing: {told}")
    table = np.array([np.asarray(cells[cell], dtype=np.float64) for cell in wanted])
    table = np.where(np.isfinite(table).all(axis=0), table, np.nan)

    def effect(weights: Mapping[Cell, float]) -> Interval | None:
        contrast: Floats = np.array([weights.get(cell, 0.0) for cell in wanted]) @ table
        return mean_interval(contrast, clusters, confidence, share=False)

    total = effect({frozenset(factors): 1.0, frozenset(): -1.0})
    if total is None:
        return None
    return Effects(
        total,
        _known({factor: effect(_main(factor, wanted)) for factor in factors}),
        _known({pair: effect(_interaction(pair, wanted)) for pair in combinations(factors, 2)}),
        _known({factor: effect(_shapley(factor, wanted, len(factors))) for factor in factors}),
    )


def interaction_p(effects: Effects, confidence: float = 0.95) -> dict[tuple[str, str], float]:
    """Holm's adjusted p of each two-way interaction, over all of them: the t test that its interval turns round.

    `confidence` is what the effects were worked out with. An interaction without an interval has no p, and is no test.
    """
    tested = {pair: one for pair, one in effects.interactions.items() if one.width is not None}
    adjusted = holm([_t_p(one, confidence) for one in tested.values()])
    return {pair: float(p) for pair, p in zip(tested, adjusted, strict=True)}


def _t_p(interval: Interval, confidence: float) -> float:
    from scipy.special import stdtr  # noqa: PLC0415 - scipy takes 0.1 s to import

    degrees = (interval.clusters or interval.n) - 1
    error = (interval.width or 0.0) / 2 / t_quantile(confidence, degrees)
    if error == 0:
        return 1.0 if interval.estimate == 0 else 0.0
    return float(2 * stdtr(degrees, -abs(interval.estimate) / error))


def _known(found: Mapping[T, Interval | None]) -> dict[T, Interval]:
    return {name: interval for name, interval in found.items() if interval is not None}


def _main(factor: str, cells: Sequence[Cell]) -> dict[Cell, float]:
    half = len(cells) / 2
    return {cell: (1 if factor in cell else -1) / half for cell in cells}


def _interaction(pair: tuple[str, str], cells: Sequence[Cell]) -> dict[Cell, float]:
    """On and on, less on and off, less off and on, plus off and off: averaged over the other factors."""
    first, second = pair
    others = len(cells) / 4
    return {cell: (1 if (first in cell) == (second in cell) else -1) / others for cell in cells}


def _shapley(factor: str, cells: Sequence[Cell], k: int) -> dict[Cell, float]:
    weights = dict.fromkeys(cells, 0.0)
    for cell in cells:
        if factor not in cell:
            weight = factorial(len(cell)) * factorial(k - len(cell) - 1) / factorial(k)
            weights[cell | {factor}] += weight
            weights[cell] -= weight
    return weights
