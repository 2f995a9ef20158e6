"""Whether a paired comparison that goes on is clear enough to end: numbers that hold however often one looks at them."""

from dataclasses import dataclass, replace
from math import sqrt

from app.statistics.arrays import Floats, np
from app.statistics.intervals import Interval
from app.statistics.paired import PairedTest
from app.statistics.sequential import (
    FEWEST,
    asymptotic_confidence_sequence,
    bernoulli_e_value,
    bounded_e_value,
    mixing_variance,
    mixture_sprt,
)

LEVEL = 0.05
"""How often, at most, versions that do not differ are called different, over all looks and all comparisons together."""
E_VALUE = "e-value, of improved against worsened rows, at every look"
SCALE = "e-value, of changes on a scale with two ends, at every look"
MIXTURE = "mixture sequential test, at every look"


@dataclass(frozen=True, slots=True)
class Look:
    """What a comparison comes to at this look."""

    delta: Interval | None
    """The confidence sequence of the difference; None before the first pair."""
    test: PairedTest | None
    """Its p holds at every look, and is shared out among the comparisons already."""
    clear: bool
    """Whether the test rejects "no difference", and the confidence sequence leaves 0; never of scores without two ends."""


def look(
    before: Floats | list[float],
    after: Floats | list[float],
    *,
    planned: int,
    comparisons: int = 1,
    level: float = LEVEL,
    ends: tuple[float, float] | None = None,
) -> Look:
    """The paired difference after the rows so far, which come in an order that has nothing to do with them.

    Scores have `ends`, the lowest and the highest that there can be: an e-value that holds for whatever lies between them,
    which has to reach 1/level (20), is the test; of 0 and 1 that of improved against worsened rows. Without ends no number of
    rows rules out that a rare one outweighs all others: such scores are tested by the mixture that the confidence sequence
    inverts, which for skewed ones errs in up to every second case, and are never clear. With several `comparisons` against one
    baseline each has an equal share of `level` (Bonferroni). `planned` is how many rows there are in all: the sequence is
    tightest at half of them. Never clear under 30 pairs, where the sequence has no guarantee.
    """
    moved = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    largest = _largest(moved, ends)
    alpha = level / comparisons
    delta = _sequence(moved, alpha, planned, padding=(largest, -largest) if largest else ())
    if largest is None:
        test = _mixture(moved, alpha, planned)
    elif np.isin(np.concatenate([before, after]), (0.0, 1.0)).all():
        test = _yes_or_no(moved)
    else:
        test = PairedTest(SCALE, bounded_e_value(moved, largest).p, len(moved)) if len(moved) else None
    if test and comparisons > 1:
        test = replace(test, p=min(1.0, test.p * comparisons))
    if delta and comparisons > 1:
        delta = replace(delta, method=f"{delta.method}, {level:.0%} shared by {comparisons} comparisons")
    rejects = largest is not None and test is not None and test.p <= level
    return Look(delta, test, rejects and delta is not None and delta.excludes(0.0))


def _largest(moved: Floats, ends: tuple[float, float] | None) -> float | None:
    """The largest change that there can be; None where that is not known. A score beyond the ends widens them."""
    if ends is None:
        return None
    return max(ends[1] - ends[0], float(np.abs(moved).max(initial=0.0)))


def mean_sequence(
    scores: Floats | list[float],
    *,
    planned: int,
    level: float = LEVEL,
    ends: tuple[float, float] | None = None,
) -> Interval | None:
    """The mean of one version's scores, with an interval that holds however many rows there came to be, and that keeps to
    the `ends` of the scale where there are two."""
    values = np.asarray(scores, dtype=float)
    found = _sequence(values, level, planned, padding=ends or ())
    if found is None or ends is None or found.lo is None or found.hi is None:
        return found
    return replace(found, lo=max(found.lo, ends[0]), hi=min(found.hi, ends[1]))


def _sequence(values: Floats, alpha: float, planned: int, padding: tuple[float, ...]) -> Interval | None:
    """Where there can be no further value than those of the `padding`, one of each is added to find the interval, as Bonett and
    Price 2012 do for a fixed number of rows of yes and no: without it, thirty rows that are all alike would have no spread,
    and skewed scores would have one that is too small as long as the rare value has not come."""
    if len(values) < FEWEST or not padding:
        return asymptotic_confidence_sequence(values, 1 - alpha, tightest_at=tightest_at(planned))
    found = asymptotic_confidence_sequence([*values, *padding], 1 - alpha, tightest_at=tightest_at(planned))
    return found and replace(found, estimate=float(values.mean()), n=len(values))


def tightest_at(planned: int) -> int:
    """At how many rows the sequence is tightest: chosen before the first look, at half of those that there are."""
    return max(FEWEST, planned // 2)


def _yes_or_no(moved: Floats) -> PairedTest | None:
    evidence = bernoulli_e_value(int((moved > 0).sum()), int((moved < 0).sum()))
    return PairedTest(E_VALUE, evidence.p, len(moved)) if len(moved) else None


def _mixture(moved: Floats, alpha: float, planned: int) -> PairedTest | None:
    if len(moved) < FEWEST:
        return None
    tau = float(np.std(moved, ddof=1)) * sqrt(mixing_variance(alpha, tightest_at(planned)))
    evidence = mixture_sprt(moved, tau) if tau > 0 else None
    return PairedTest(MIXTURE, evidence.p, len(moved)) if evidence else None
