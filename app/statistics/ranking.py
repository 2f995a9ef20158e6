"""Who is better in head-to-head comparisons: Bradley-Terry strengths, told as Elo, with ranks."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import log

from app.statistics import deadline
from app.statistics.arrays import Codes, Floats, np
from app.statistics.bootstrap import SEED
from app.statistics.intervals import Interval
from app.statistics.samples import FEWEST_CLUSTERS, Clusters, cluster_codes

ELO = 400 / log(10)
ANCHOR = 1_000.0
RESAMPLES = 1_000
MOST_SYSTEMS = 50


@dataclass(frozen=True, slots=True)
class Ranked:
    """One system: its Elo with an interval, and between which ranks it lies."""

    system: Hashable
    elo: Interval
    best_rank: int
    worst_rank: int


def bradley_terry(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    outcomes: Sequence[float],
    clusters: Clusters | None = None,
    confidence: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Ranked] | None:
    """Strengths b with P(i beats j) = 1/(1 + exp(b_j - b_i)), by maximum likelihood (Bradley and Terry 1952).

    `outcomes`: 1 where the first won, 0 where the second did, .5 for a tie, which is half a win each. Elo is
    400/ln 10 times b, 1,000 on average. Intervals are percentiles over resampled battles, or whole clusters (a prompt is
    one). A rank is 1 + the systems that are better for sure, by the interval of the difference, up to the number of those
    that are not worse for sure. The best first. None where there is no answer: a system that never lost, or never won,
    against the rest has no finite strength. ValueError for more than 50 systems.
    """
    names = list(dict.fromkeys([*first, *second]))
    if not len(first) == len(second) == len(outcomes):
        raise ValueError(f"{len(first)} first systems, {len(second)} second, {len(outcomes)} outcomes")
    if len(names) > MOST_SYSTEMS:
        raise ValueError(f"{len(names)} systems: at most {MOST_SYSTEMS} are compared")
    if any(a == b for a, b in zip(first, second, strict=True)):
        raise ValueError("a system cannot be compared with itself")
    numbers = {name: number for number, name in enumerate(names)}
    codes, groups = cluster_codes(clusters, np.ones(len(first), dtype=bool))
    battles = _Battles(
        np.array([numbers[a] for a in first], dtype=np.intp),
        np.array([numbers[b] for b in second], dtype=np.intp),
        np.asarray(outcomes, dtype=np.float64),
        len(names),
    )
    found = battles.strengths(np.ones(len(first))) if len(names) > 1 else None
    if found is None:
        return None
    drawn = _resampled(battles, codes, groups, resamples, seed)
    return _ranked(names, battles, found, drawn, resamples, None if codes is None else groups, confidence)


@dataclass(frozen=True, slots=True)
class _Battles:
    first: Codes
    second: Codes
    outcomes: Floats
    systems: int

    def strengths(self, weights: Floats) -> Floats | None:
        """Centred strengths of battles that count as often as `weights` say; None where they are not finite."""
        k = self.systems
        won = np.bincount(self.first * k + self.second, weights * self.outcomes, k * k)
        lost = np.bincount(self.second * k + self.first, weights * (1 - self.outcomes), k * k)
        return _fit(np.asarray(won + lost, dtype=np.float64).reshape(k, k))

    def of(self, system: int) -> int:
        return int(((self.first == system) | (self.second == system)).sum())


def _fit(wins: Floats) -> Floats | None:
    """Newton's method on the strengths of the table (row beat column), which add up to 0."""
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - scipy takes 0.1 s to import

    # Ford 1957: finite only where everybody can be reached from everybody by wins.
    if connected_components(wins > 0, connection="strong")[0] > 1:
        return None
    games, b = wins + wins.T, np.zeros(len(wins))
    for _ in range(100):
        share = 1 / (1 + np.exp(np.clip(b[None, :] - b[:, None], -500, 500)))
        gradient = wins.sum(axis=1) - (games * share).sum(axis=1)
        weight = games * share * (1 - share)
        information = np.diag(weight.sum(axis=1)) - weight + 1.0 / len(b)
        step = np.clip(np.linalg.solve(information, gradient), -2, 2)
        b = b + step - step.mean()
        if np.abs(step).max() < 1e-10:
            return np.asarray(b)
    return None


def _resampled(battles: _Battles, codes: Codes | None, groups: int, resamples: int, seed: int) -> Floats:
    """Strengths in each resample that has some; no row where there are too few battles or clusters to draw from."""
    if groups < (2 if codes is None else FEWEST_CLUSTERS):
        return np.empty((0, battles.systems))
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        deadline.check()
        weights = np.bincount(generator.integers(0, groups, groups), minlength=groups).astype(np.float64)
        found = battles.strengths(weights if codes is None else weights[codes])
        if found is not None:
            drawn.append(found)
    return np.array(drawn).reshape(-1, battles.systems)


def _ranked(
    names: Sequence[Hashable],
    battles: _Battles,
    found: Floats,
    drawn: Floats,
    resamples: int,
    clusters: int | None,
    confidence: float,
) -> list[Ranked]:
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    enough = len(drawn) >= max(2, resamples / 2)
    method = f"Bradley-Terry, percentile of {resamples:,} resamples"
    lost = resamples - len(drawn)
    ranked = []
    for at in np.argsort(-found, kind="stable").tolist():
        elo, n = ANCHOR + ELO * float(found[at]), battles.of(at)
        if not enough:
            why = "in most resamples a system has no finite strength: more battles are needed"
            interval = Interval(elo, None, None, n, "Bradley-Terry", clusters=clusters, warning=why)
            ranked.append(Ranked(names[at], interval, 1, len(names)))
            continue
        lo, hi = (float(one) for one in ANCHOR + ELO * np.quantile(drawn[:, at], tails))
        told = f"undefined in {lost:,} of {resamples:,} resamples" if lost else None
        apart = np.quantile(drawn - drawn[:, [at]], tails, axis=0)
        interval = Interval(elo, lo, hi, n, method, clusters=clusters, warning=told)
        better, worse = int((apart[0] > 0).sum()), int((apart[1] < 0).sum())
        ranked.append(Ranked(names[at], interval, 1 + better, len(names) - worse))
    return ranked
