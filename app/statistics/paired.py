"""Two versions on the same rows: the paired difference, its test, and what missing rows could change."""

from dataclasses import dataclass, replace
from math import comb, erfc, exp, lgamma, log, sqrt

from app.statistics import deadline
from app.statistics.arrays import Floats, np
from app.statistics.intervals import (
    Interval,
    normal_quantile,
    t_interval,
    why_no_interval,
    without_interval,
)
from app.statistics.samples import Clusters, Sample, Scores, is_binary

EXACT_ROWS = 15  # 2**15 sign patterns are listed; more are drawn
FLIPS = 10_000
_AT_ONCE = 8
"""Bytes of each throw that are drawn together."""
NORMAL_ROWS = 10_000  # from here the sum of random signs is normal for every purpose
SEED = 20_240_611
_EXACT_THROWS = 1_000  # 2**1000 is still a float
_NOTHING = 1e-17
"""Beside 1, what is smaller changes no digit of a sum."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How many rows the candidate scores higher, lower or the same; which of them is better, the metric says."""

    higher: int
    lower: int
    same: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A two-sided test of no difference; `mid_p` is the less conservative second opinion of exact McNemar."""

    name: str
    p: float
    n: int
    mid_p: float | None = None


@dataclass(frozen=True, slots=True)
class WorstCase:
    """The difference when every missing row goes against the candidate, and when every one goes for it."""

    worst: Interval
    best: Interval
    missing_baseline: int
    missing_candidate: int


def paired_difference(
    baseline: Scores,
    candidate: Scores,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    share: bool = True,
) -> Interval | None:
    """Candidate minus baseline over rows that both have scored, with its interval; None for no such row.

    The two are aligned: the same row at the same place. Unclustered shares get Bonett and Price (2012), whose
    estimate stays the plain difference; all else t, clustered where there are clusters. A row that is None or
    NaN on one side is left out on both. `share` as in `mean_interval`.
    """
    pairs, before, after = _pairs(baseline, candidate, clusters)
    if pairs.n == 0:
        return None
    refusal = why_no_interval(pairs)
    if refusal is not None:
        return without_interval(float(pairs.values.mean()), pairs, refusal)
    binary = share and is_binary(before) and is_binary(after)
    if binary and pairs.codes is None:
        return bonett_price(pairs, confidence)
    if binary and np.ptp(pairs.values) == 0:
        # The clustered error would be 0: each cluster counts as one observation instead.
        clustered = replace(pairs, values=np.full(pairs.groups, pairs.values[0]))
        return replace(bonett_price(clustered, confidence), n=pairs.n, method="Bonett-Price on clusters")
    return t_interval(pairs, confidence)


def bonett_price(pairs: Sample, confidence: float) -> Interval:
    """The adjusted Wald interval of a paired difference of shares; `pairs` holds -1, 0 and 1.

    (p1 - p2) ± z √((p1 + p2 - (p1 - p2)²) / (n + 2)) with p1 = (b + 1)/(n + 2), p2 = (c + 1)/(n + 2), where b rows
    improved and c worsened.
    """
    n = pairs.n
    up = (int((pairs.values > 0).sum()) + 1) / (n + 2)
    down = (int((pairs.values < 0).sum()) + 1) / (n + 2)
    half = normal_quantile(confidence) * sqrt((up + down - (up - down) ** 2) / (n + 2))
    return Interval(
        float(pairs.values.mean()),
        up - down - half,
        up - down + half,
        n,
        "Bonett-Price",
        clusters=pairs.cluster_count,
        warning=pairs.notes(),
    )


def count_changes(baseline: Scores, candidate: Scores) -> Changes:
    """How many rows, of those both have scored, went up, went down, or stayed."""
    pairs, _, _ = _pairs(baseline, candidate, None)
    higher, lower = int((pairs.values > 0).sum()), int((pairs.values < 0).sum())
    return Changes(higher, lower, pairs.n - higher - lower)


def paired_test(
    baseline: Scores,
    candidate: Scores,
    clusters: Clusters | None = None,
    *,
    share: bool = True,
    seed: int = SEED,
) -> PairedTest | None:
    """Test "no difference" over rows that both have scored; None for no such row.

    Unclustered shares: exact McNemar. All else: random signs on the differences (on the sums of the clusters
    where there are clusters), exact up to 15 that are not 0, else 10,000 draws of a generator with `seed`.
    """
    pairs, before, after = _pairs(baseline, candidate, clusters)
    if pairs.n == 0:
        return None
    binary = share and is_binary(before) and is_binary(after)
    if binary and pairs.codes is None:
        return mcnemar(int((pairs.values > 0).sum()), int((pairs.values < 0).sum()), pairs.n)
    summed = pairs.sums(pairs.values)
    name, p = sign_flip(summed[summed != 0], seed)
    return PairedTest(name if pairs.codes is None else f"{name}, by cluster", p, pairs.n)


def mcnemar(improved: int, worsened: int, n: int) -> PairedTest:
    """Exact McNemar: the discordant rows against a fair coin. p is 1 when there is none."""
    discordant, fewer = improved + worsened, min(improved, worsened)
    if discordant == 0:
        return PairedTest("exact McNemar", 1.0, n, mid_p=1.0)
    tail, middle = _fair_coin(fewer, discordant)
    below = tail - middle
    # Exactly half each way: both tails share the middle, and doubling would pass 1.
    return PairedTest("exact McNemar", min(1.0, 2 * tail), n, mid_p=min(1.0, tail + below))


def _fair_coin(heads: int, throws: int) -> tuple[float, float]:
    """The chance of at most so many heads, and of exactly so many; `heads` is at most half of the throws.

    C(n, k) / 2ⁿ in whole numbers, so that 6 of 6 are 1/64 to the last digit. Of very many throws by the logarithm of the gamma
    function, and each chance below by its ratio k / (n - k + 1) to the one above: scipy's binomial to nine digits, without
    the fifth of a second that importing it takes.
    """
    if throws <= _EXACT_THROWS:
        ways = [comb(throws, heads)]
        for k in range(heads, 0, -1):
            ways.append(ways[-1] * k // (throws - k + 1))
        return sum(ways) / 2**throws, ways[0] / 2**throws
    exactly = exp(lgamma(throws + 1) - lgamma(heads + 1) - lgamma(throws - heads + 1) - throws * log(2))
    total = chance = 1.0
    while heads and chance > _NOTHING * total:
        chance *= heads / (throws - heads + 1)
        heads -= 1
        total += chance
    return exactly * total, exactly


def sign_flip(differences: Floats, seed: int) -> tuple[str, float]:
    """The two-sided p of the mean of non-zero `differences` under random signs, and how it was found."""
    n = len(differences)
    sizes = np.abs(differences)
    total = float(sizes.sum())
    seen = abs(float(differences.sum())) - 1e-12 * total  # sums in another order differ in the last bits
    if n <= EXACT_ROWS:
        signs = (np.arange(1 << n)[:, None] >> np.arange(n) & 1) * 2.0 - 1.0
        return "exact sign-flip permutation", float(np.mean(np.abs(signs @ sizes) >= seen))
    if n > NORMAL_ROWS:
        return "sign-flip permutation, normal limit", min(1.0, erfc(seen / sqrt(2 * float(sizes @ sizes))))
    extreme = int((np.abs(2 * _heads(sizes, seed) - total) >= seen).sum())
    return f"sign-flip permutation, {FLIPS:,} flips, seed {seed}", (extreme + 1) / (FLIPS + 1)


def _heads(sizes: Floats, seed: int) -> Floats:
    """The sum of those `sizes` whose coin shows heads, for each of `FLIPS` throws of all coins.

    Eight coins are a random byte, and each byte's sum is looked up: 40 times as fast as adding coin by coin.
    """
    generator = np.random.default_rng(seed)
    eights = np.zeros((-(-len(sizes) // 8), 8))
    eights.flat[: len(sizes)] = sizes
    patterns = (np.arange(256) >> np.arange(8)[:, None] & 1).astype(np.float64)
    heads, found = np.zeros(FLIPS), np.empty(FLIPS)
    sums = eights @ patterns
    for start in range(0, len(sums), _AT_ONCE):
        deadline.check()
        part = sums[start : start + _AT_ONCE]
        thrown = np.frombuffer(generator.bytes(FLIPS * len(part)), dtype=np.uint8)
        for one, at in zip(part, thrown.reshape(len(part), FLIPS), strict=True):
            heads += one.take(at, out=found, mode="wrap")  # any mode but the default writes to `out` at once
    return heads


def worst_case_bounds(
    baseline: Scores,
    candidate: Scores,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    fail: float = 0.0,
    success: float = 1.0,
    share: bool = True,
) -> WorstCase | None:
    """What the rows without a score (None or NaN) could make of the difference; None for no rows at all.

    Worst: a missing candidate fails where a missing baseline succeeds; best: the reverse. `fail` and `success`
    are the ends of the metric's scale.
    """
    before, after = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    no_before, no_after = ~np.isfinite(before), ~np.isfinite(after)
    bounds = [
        paired_difference(
            np.where(no_before, for_baseline, before),
            np.where(no_after, for_candidate, after),
            clusters,
            confidence,
            share=share,
        )
        for for_baseline, for_candidate in ((success, fail), (fail, success))
    ]
    worst, best = bounds
    if worst is None or best is None:
        return None
    return WorstCase(worst, best, int(no_before.sum()), int(no_after.sum()))


def differences(baseline: Scores, candidate: Scores, clusters: Clusters | None = None) -> Sample:
    """Candidate minus baseline of the rows that both have scored, with their clusters."""
    return _pairs(baseline, candidate, clusters)[0]


def _pairs(baseline: Scores, candidate: Scores, clusters: Clusters | None) -> tuple[Sample, Floats, Floats]:
    before, after = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    if len(before) != len(after):
        raise ValueError(f"{len(before)} scores of the baseline, but {len(after)} of the candidate")
    both = np.isfinite(before) & np.isfinite(after)
    difference = np.full(len(before), np.nan)
    difference[both] = after[both] - before[both]
    return Sample.of(difference, clusters), before[both], after[both]
