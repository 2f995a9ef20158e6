"""Scores made ready for an estimate: finite values, each with the cluster it belongs to."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Self

from app.statistics.arrays import Codes, Flags, Floats, np

Scores = Sequence[float] | Sequence[float | None] | Sequence[bool] | Floats
Clusters = Sequence[Hashable | None]

FEWEST_CLUSTERS = 5  # below this the clustered interval is refused
FEW_CLUSTERS = 10  # below this it is shown with a warning


@dataclass(frozen=True, slots=True)
class Sample:
    """The finite values of a metric; `codes` numbers their clusters, or is None when each stands alone."""

    values: Floats
    codes: Codes | None
    groups: int
    left_out: int

    @classmethod
    def of(cls, scores: Scores, clusters: Clusters | None = None) -> Self:
        """Leave out None, NaN and infinities, counted in `left_out`; ValueError when the lengths differ."""
        values = np.asarray(scores, dtype=np.float64)
        if clusters is not None and len(clusters) != len(values):
            raise ValueError(f"{len(values)} scores, but {len(clusters)} cluster keys")
        kept = np.isfinite(values)
        codes, groups = cluster_codes(clusters, kept)
        return cls(values[kept], codes, groups, int(len(values) - kept.sum()))

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def cluster_count(self) -> int | None:
        """How many clusters there are, or None when every row stands alone."""
        return None if self.codes is None else self.groups

    def sums(self, values: Floats) -> Floats:
        """The sum of `values` (one for each row) in each cluster, or `values` themselves without clusters."""
        if self.codes is None:
            return values
        sums = np.bincount(self.codes, weights=values, minlength=self.groups)
        return sums.astype(np.float64, copy=False)

    def notes(self, *others: str | None) -> str | None:
        """What a reader must know of this sample, after `others`; None when there is nothing."""
        told = [note for note in others if note]
        if self.codes is not None and FEWEST_CLUSTERS <= self.groups < FEW_CLUSTERS:
            told.append(f"only {self.groups} clusters: the interval is rough")
        if self.left_out:
            told.append(f"{self.left_out} {'row' if self.left_out == 1 else 'rows'} without a score left out")
        return "; ".join(told) or None


def cluster_codes(clusters: Clusters | None, kept: Flags) -> tuple[Codes | None, int]:
    """Number the clusters of the kept rows from 0; a row whose key is None is a cluster of its own."""
    n = int(kept.sum())
    if clusters is None:
        return None, n
    numbers: dict[Hashable, int] = {}
    codes = np.empty(n, dtype=np.intp)
    for at, row in enumerate(np.flatnonzero(kept).tolist()):
        key = clusters[row]
        codes[at] = numbers.setdefault(("alone", row) if key is None else ("key", key), len(numbers))
    return (None, n) if len(numbers) == n else (codes, len(numbers))


def is_binary(values: Floats) -> bool:
    """Whether every value is 0 or 1."""
    return bool(np.all((values == 0) | (values == 1)))
