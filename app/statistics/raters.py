"""How far any number of raters agree beyond chance, with gaps: Fleiss' kappa, Gwet's AC1, Krippendorff's alpha."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from app.statistics.arrays import Counts, Floats, np
from app.statistics.bootstrap import SEED, bootstrap_interval
from app.statistics.intervals import Interval, t_quantile

Ratings = Sequence[Sequence[Hashable | None]]
Level = Literal["nominal", "ordinal", "interval"]
_PRODUCTS = 2_000_000_000  # items × categories × resamples: more get fewer resamples


@dataclass(frozen=True, slots=True)
class Rated:
    """How many raters gave each item (row) each category (column); items that nobody rated are left out."""

    counts: Floats
    categories: tuple[Hashable, ...]
    left_out: int


def rated(ratings: Ratings, categories: Sequence[Hashable] | None = None) -> Rated:
    """Count ratings, one list an item, None for a gap; ValueError where a rating is none of `categories`."""
    known = (
        tuple(categories)
        if categories is not None
        else tuple(dict.fromkeys(one for item in ratings for one in item if one is not None))
    )
    numbers = {category: number for number, category in enumerate(known)}
    counts = np.zeros((len(ratings), len(known)))
    for row, item in enumerate(ratings):
        for one in item:
            if one is not None:
                if one not in numbers:
                    raise ValueError(f"{one!r} is none of the categories")
                counts[row, numbers[one]] += 1
    kept = counts.sum(axis=1) > 0
    return Rated(counts[kept], known, int((~kept).sum()))


def fleiss_kappa(items: Rated, confidence: float = 0.95) -> Interval | None:
    """Fleiss' (1971) kappa, chance by the shares of categories: pe = Σ π_k²; interval as of `gwet_ac1`.

    None where it is undefined: no item with two ratings, or all ratings of one category.
    """
    shares = _shares(items)
    if not len(shares):
        return None
    mean = shares.mean(axis=0)
    return _beyond_chance("Fleiss' kappa", items, float(mean @ mean), shares @ mean, confidence)


def gwet_ac1(items: Rated, confidence: float = 0.95) -> Interval | None:
    """Gwet's (2008) AC1, chance by pe = Σ π_k (1 - π_k)/(q - 1): it does not collapse where nearly all pass.

    Interval by the variance of the items' own shares in the estimate, t on n - 1 (Gwet 2014, chapter 6). None
    with one category, or no item with two ratings.
    """
    shares, q = _shares(items), len(items.categories)
    if q < 2 or not len(shares):
        return None
    mean = shares.mean(axis=0)
    expected = float((mean * (1 - mean)).sum()) / (q - 1)
    return _beyond_chance("Gwet's AC1", items, expected, shares @ (1 - mean) / (q - 1), confidence)


def agreement_share(items: Rated) -> float | None:
    """The share of pairs of ratings of the same item that are equal, averaged over items; None where there is no pair."""
    agreed, several = _agreed(items)
    return float(agreed[several].mean()) if several.any() else None


def krippendorff_alpha(
    items: Rated,
    level: Level = "nominal",
    confidence: float = 0.95,
    *,
    resamples: int | None = None,
    seed: int = SEED,
) -> Interval | None:
    """Krippendorff's (2011) alpha = 1 - Do/De over pairs of ratings within items and among all.

    Distance: nominal 0 or 1; ordinal by the ratings between two categories, in their order; interval the squared
    difference of categories, which are numbers. Interval by resampling items, with the ordinal distances of all items.
    None where it is undefined: no pair of ratings, or no two that differ.
    """
    sizes = items.counts.sum(axis=1)
    counts = items.counts[sizes > 1]
    sizes = sizes[sizes > 1]
    if not len(counts):
        return None
    distance = _distances(counts, items.categories, level)
    apart = ((counts @ distance) * counts).sum(axis=1) / (sizes - 1)

    def alpha(weights: Counts) -> Floats:
        totals = weights @ counts
        expected = ((totals @ distance) * totals).sum(axis=1)
        observed = (weights @ apart) * (weights @ sizes - 1)
        ratio = np.divide(observed, expected, out=np.full(len(weights), np.nan), where=expected > 0)
        return np.asarray(1 - ratio)

    n = len(counts)
    most = max(1_000, _PRODUCTS // counts.size)
    return bootstrap_interval(
        alpha,
        n,
        None,
        confidence,
        resamples=min(resamples or 10_000, most),
        seed=seed,
        name=f"Krippendorff's alpha, {level}, bootstrap over items",
    )


def _distances(counts: Floats, categories: Sequence[Hashable], level: Level) -> Floats:
    q = len(categories)
    if level == "nominal":
        return 1 - np.eye(q)
    if level == "interval":
        values = np.asarray(categories, dtype=np.float64)
        return np.asarray((values[:, None] - values[None, :]) ** 2)
    totals = counts.sum(axis=0)
    reached = np.cumsum(totals) - totals / 2
    return np.asarray((reached[:, None] - reached[None, :]) ** 2)


def _beyond_chance(
    method: str, items: Rated, expected: float, chance: Floats, confidence: float
) -> Interval | None:
    """(pa - pe)/(1 - pe), with `chance` what each item adds to pe."""
    agreed, several = _agreed(items)
    n, pairs = len(agreed), int(several.sum())
    if pairs == 0 or expected >= 1 - 1e-12:
        return None
    observed = float(agreed[several].mean())
    estimate = (observed - expected) / (1 - expected)
    own = (n / pairs) * np.where(several, agreed - expected, 0.0) / (1 - expected)
    own -= 2 * (1 - estimate) * (chance - expected) / (1 - expected)
    if n < 2:
        return Interval(estimate, None, None, n, method, warning="one item has no interval")
    half = t_quantile(confidence, n - 1) * sqrt(float(((own - estimate) ** 2).sum()) / (n * (n - 1)))
    told = [f"{items.left_out} items without a rating left out"] if items.left_out else []
    if half < 1e-12:
        told.insert(0, "every item agrees as much as any other")
        return Interval(estimate, None, None, n, method, warning="; ".join(told))
    return Interval(estimate, estimate - half, estimate + half, n, method, warning="; ".join(told) or None)


def _shares(items: Rated) -> Floats:
    return np.asarray(items.counts / items.counts.sum(axis=1, keepdims=True))


def _agreed(items: Rated) -> tuple[Floats, Floats]:
    """The share of equal pairs within each item (0 where there is no pair), and whether it has one."""
    sizes = items.counts.sum(axis=1)
    pairs = sizes * (sizes - 1)
    equal = (items.counts * (items.counts - 1)).sum(axis=1)
    return np.divide(equal, pairs, out=np.zeros(len(pairs)), where=pairs > 0), pairs > 0
