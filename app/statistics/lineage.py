"""What each step of a line of versions did: paired differences that add up to the whole, on the rows that all share."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.statistics.arrays import Floats, np
from app.statistics.comparisons import holm
from app.statistics.intervals import Interval, mean_interval
from app.statistics.paired import Changes, PairedTest, count_changes, paired_difference, paired_test
from app.statistics.samples import Clusters, Scores


@dataclass(frozen=True, slots=True)
class Step:
    """From one version to a later one, on the shared rows."""

    delta: Interval
    delta90: Interval
    test: PairedTest
    adjusted_p: float
    """Holm's, over the steps; of the whole, which is one question, its own p."""
    changes: Changes


@dataclass(frozen=True, slots=True)
class Path:
    """A line of versions. The estimates of `steps` add up to that of `total`: no row is in one and not in another."""

    levels: Sequence[Interval]
    steps: Sequence[Step]
    total: Step
    rows: int
    left_out: int
    """Rows that some version has a score for, and another has not."""

    @property
    def summed(self) -> float:
        """All steps together: the total, but for the last bits."""
        return sum(step.delta.estimate for step in self.steps)


def lineage_path(
    scores: Sequence[Scores], clusters: Clusters | None = None, *, share: bool = True
) -> Path | None:
    """The steps between versions that answered the same rows, each against the one before it.

    `scores` has one aligned column a version, oldest first, None or NaN where a row has no score. A row that one of them
    lacks is left out of all. Step t is mean_i(s_it - s_i,t-1), so that the steps telescope: Σ_t Δ_t = mean_i(s_iT - s_i0).
    Intervals and tests are those of `paired_difference` and `paired_test`; p values are Holm's over the steps. None where
    no row is shared. ValueError under two versions.
    """
    if len(scores) < 2:
        raise ValueError("a line has at least two versions")
    table: Floats = np.array([np.asarray(column, dtype=np.float64) for column in scores])
    known = np.isfinite(table)
    shared = known.all(axis=0)
    if not shared.any():
        return None
    table = table[:, shared]
    kept = None if clusters is None else [clusters[at] for at in np.flatnonzero(shared).tolist()]
    found = [_step(table[at], table[at + 1], kept, share=share) for at in range(len(table) - 1)]
    whole = found[0] if len(table) == 2 else _step(table[0], table[-1], kept, share=share)
    adjusted = holm([test.p for _, _, test, _ in found])
    levels = [mean_interval(column, kept, share=share) for column in table]
    return Path(
        levels=[level for level in levels if level is not None],
        steps=[
            Step(delta, delta90, test, float(p), changes)
            for (delta, delta90, test, changes), p in zip(found, adjusted, strict=True)
        ],
        total=Step(whole[0], whole[1], whole[2], whole[2].p, whole[3]),
        rows=int(shared.sum()),
        left_out=int((known.any(axis=0) & ~shared).sum()),
    )


def _step(
    before: Floats, after: Floats, clusters: Clusters | None, *, share: bool
) -> tuple[Interval, Interval, PairedTest, Changes]:
    delta = paired_difference(before, after, clusters, share=share)
    delta90 = paired_difference(before, after, clusters, 0.90, share=share)
    test = paired_test(before, after, clusters, share=share)
    if delta is None or delta90 is None or test is None:
        raise ValueError("a step needs rows")
    return delta, delta90, test, count_changes(before, after)
