"""How well passages were found: measures of one query's ranking, and their means over queries."""

from collections.abc import Mapping, Sequence
from math import log2

from app.statistics.intervals import Interval, mean_interval
from app.statistics.samples import Clusters

Gains = Mapping[str, float]
MEASURES = ("recall", "precision", "hit", "reciprocal_rank", "ndcg", "average_precision")


def measure(ranking: Sequence[str], gains: Gains, k: int) -> dict[str, float] | None:
    """The measures of one ranking, best passage first; None where no passage is relevant: there is nothing to find.

    Relevant is a gain above 0. recall, precision, hit and ndcg look at the first k; ndcg has linear gain and
    log2(rank + 1); reciprocal_rank and average_precision (over all relevant) look at the whole ranking. A passage that
    is given twice counts once, at its first rank.
    """
    relevant = {passage for passage, gain in gains.items() if gain > 0}
    if not relevant:
        return None
    ranked = list(dict.fromkeys(ranking))
    ranks = [rank for rank, passage in enumerate(ranked, 1) if passage in relevant]
    found = sum(1 for rank in ranks if rank <= k)
    gained = sum(gains[ranked[rank - 1]] / log2(rank + 1) for rank in ranks if rank <= k)
    ideal = sorted((gains[passage] for passage in relevant), reverse=True)[:k]
    best = sum(gain / log2(rank + 1) for rank, gain in enumerate(ideal, 1))
    return {
        "recall": found / len(relevant),
        "precision": found / k,
        "hit": float(found > 0),
        "reciprocal_rank": 1 / ranks[0] if ranks else 0.0,
        "ndcg": gained / best,
        "average_precision": sum(at / rank for at, rank in enumerate(ranks, 1)) / len(relevant),
    }


def retrieval_intervals(
    rankings: Sequence[Sequence[str]],
    gains: Sequence[Gains],
    k: int,
    clusters: Clusters | None = None,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """The mean of each measure over queries, as `mean_interval`; queries with nothing to find are left out and counted."""
    each = [measure(ranking, known, k) for ranking, known in zip(rankings, gains, strict=True)]
    found = {}
    for name in MEASURES:
        scores = [one[name] if one else None for one in each]
        interval = mean_interval(scores, clusters, confidence)
        if interval is not None:
            found[name] = interval
    return found


def unjudged(rankings: Sequence[Sequence[str]], gains: Sequence[Gains], k: int) -> tuple[int, int]:
    """Of the first k passages of all rankings, those that nobody judged, and how many there are."""
    tops = [(list(dict.fromkeys(one))[:k], known) for one, known in zip(rankings, gains, strict=True)]
    return sum(1 for top, known in tops for passage in top if passage not in known), sum(
        len(t) for t, _ in tops
    )
