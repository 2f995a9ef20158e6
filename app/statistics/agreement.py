"""How far two raters agree beyond chance: Cohen's kappa, plain and weighted, with raw agreement and rank correlation."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import Literal

from app.statistics.arrays import Floats, np
from app.statistics.intervals import Interval, normal_quantile

Weights = Literal["none", "linear", "quadratic"]
FEWEST_FOR_INTERVAL = 10
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class Table:
    """How often the first rater's label (row) met the second's (column), over items that both have rated."""

    counts: Floats
    left_out: int

    @property
    def n(self) -> int:
        return int(self.counts.sum())


def contingency(
    first: Sequence[Hashable | None],
    second: Sequence[Hashable | None],
    categories: Sequence[Hashable] | None = None,
) -> Table:
    """The table of two raters; categories in the order given, else in the order of their first mention.

    ValueError where the lengths differ, or a label is none of `categories`.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} labels of the first rater, but {len(second)} of the second")
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    known = categories if categories is not None else dict.fromkeys(label for pair in pairs for label in pair)
    numbers = {label: number for number, label in enumerate(known)}
    counts = np.zeros((len(numbers), len(numbers)))
    for a, b in pairs:
        if a not in numbers or b not in numbers:
            raise ValueError(f"{a if a not in numbers else b!r} is none of the categories")
        counts[numbers[a], numbers[b]] += 1
    return Table(counts, len(first) - len(pairs))


def cohen_kappa(
    table: Table, confidence: float = 0.95, weights: Weights = "none", scale: Sequence[float] | None = None
) -> Interval | None:
    """Kappa = (po - pe)/(1 - pe) with its large-sample interval (Fleiss, Cohen and Everitt 1969).

    Weights of agreement are 1 - (|i - j|/(q - 1)), to the power of 2 for quadratic, with the categories in their order; with
    `scale`, the categories' own numbers are in place of i and j, so that one that nobody used changes nothing.
    None where it is undefined: no items, or a rater who gave one label only: then it would be 0 whatever the agreement.
    No interval under FEWEST_FOR_INTERVAL items, or where the large-sample variance is 0.
    """
    n, q = table.n, len(table.counts)
    if n == 0 or q < 2:
        return None
    share = table.counts / n
    w = _weights(np.asarray(range(q) if scale is None else scale, dtype=np.float64), weights)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    constant = bool(np.any(table.counts.sum(axis=1) == n) or np.any(table.counts.sum(axis=0) == n))
    observed, expected = float((w * share).sum()), float(rows @ w @ columns)
    if constant or expected >= 1 - 1e-12:
        return None
    kappa = (observed - expected) / (1 - expected)
    pull = w - ((w @ columns)[:, None] + (rows @ w)[None, :]) * (1 - kappa)
    spread = sqrt(float((share * (pull - (share * pull).sum()) ** 2).sum()))  # in two passes: it can be 0
    half = normal_quantile(confidence) * spread / sqrt(n) / (1 - expected)
    method = "Cohen's kappa" if weights == "none" else f"Cohen's kappa, {weights} weights"
    if n < FEWEST_FOR_INTERVAL or spread < _NO_SPREAD:
        why = f"{n} items are too few for an interval"
        if spread < _NO_SPREAD:
            why = "the raters agree on every item" if kappa > 1 - 1e-12 else "the counts show no spread"
        return Interval(kappa, None, None, n, method, warning=_noted(table, why))
    return Interval(kappa, kappa - half, kappa + half, n, method, warning=_noted(table, None))


def spearman(first: Floats, second: Floats, confidence: float = 0.95) -> tuple[Interval, float] | None:
    """Rank correlation with average ranks for ties, its interval (Bonett and Wright 2000) and the p of none.

    tanh(atanh r ± z √((1 + r²/2)/(n - 3))), p by t on n - 2. None under three items, or where one side never varies.
    """
    from scipy.special import stdtr  # noqa: PLC0415 - scipy takes 0.1 s to import
    from scipy.stats import rankdata  # noqa: PLC0415

    n = len(first)
    if n < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    a, b = rankdata(first), rankdata(second)
    a, b = a - a.mean(), b - b.mean()
    r = min(1.0, max(-1.0, float(a @ b) / sqrt(float(a @ a) * float(b @ b))))
    if abs(r) > 1 - 1e-12:
        return Interval(r, None, None, n, "Spearman", warning="the ranks are in perfect order"), 0.0
    p = float(2 * stdtr(n - 2, -abs(r) * sqrt((n - 2) / (1 - r * r))))
    if n < FEWEST_FOR_INTERVAL:
        return Interval(r, None, None, n, "Spearman", warning=f"{n} items are too few for an interval"), p
    half = normal_quantile(confidence) * sqrt((1 + r * r / 2) / (n - 3))
    return Interval(r, tanh(atanh(r) - half), tanh(atanh(r) + half), n, "Spearman, Bonett-Wright"), p


def _weights(places: Floats, weights: Weights) -> Floats:
    if weights == "none":
        return np.eye(len(places))
    distance = np.abs(places[:, None] - places[None, :]) / np.ptp(places)
    return np.asarray(1 - (distance if weights == "linear" else distance**2))


def _noted(table: Table, why: str | None) -> str | None:
    gaps = f"{table.left_out} items without both labels left out" if table.left_out else None
    return "; ".join(note for note in (why, gaps) if note) or None
