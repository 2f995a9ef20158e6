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
    mixing_variance,
    mixture_sprt,
)

LEVEL = 0.05
"""How often, at most, versions that do not differ are called different, over all looks and all comparisons together."""
E_VALUE = "e-value, of improved against worsened rows, at every look"
MIXTURE = "mixture sequential test, at every look"


@dataclass(frozen=True, slots=True)
class Look:
    """What a comparison comes to at this look."""

    delta: Interval | None
    """The confidence sequence of the difference; None before the first pair."""
    test: PairedTest | None
    """Its p holds at every look, and is shared out among the comparisons already."""
    clear: bool
    """Whether the test rejects "no difference", and the confidence sequence leaves 0."""


def look(
    before: list[float], after: list[float], *, planned: int, comparisons: int = 1, level: float = LEVEL
) -> Look:
    """The paired difference after the rows so far, which come in an order that has nothing to do with them.

    Scores of 0 and 1 are tested by the e-value of improved against worsened rows, which has to reach 1/level (20);
    others by the mixture that the confidence sequence inverts. With several `comparisons` against one baseline each has
    an equal share of `level` (Bonferroni). `planned` is how many rows there are in all: the sequence is tightest at half of
    them. Never clear under 30 pairs, where the sequence has no guarantee.
    """
    moved = np.asarray(after, dtype=float) - np.asarray(before, dtype=float)
    yes_or_no = bool(np.isin(np.concatenate([before, after]), (0.0, 1.0)).all())
    alpha = level / comparisons
    delta = _sequence(moved, alpha, planned, padding=(1.0, -1.0) if yes_or_no else ())
    test = _yes_or_no(moved) if yes_or_no else _mixture(moved, alpha, planned)
    if test and comparisons > 1:
        test = replace(test, p=min(1.0, test.p * comparisons))
    if delta and comparisons > 1:
        delta = replace(delta, method=f"{delta.method}, {level:.0%} shared by {comparisons} comparisons")
    clear = delta is not None and delta.excludes(0.0) and test is not None and test.p <= level
    return Look(delta, test, clear)


def mean_sequence(scores: list[float], *, planned: int, level: float = LEVEL) -> Interval | None:
    """The mean of one version's scores, with an interval that holds however many rows there came to be."""
    values = np.asarray(scores, dtype=float)
    yes_or_no = bool(np.isin(values, (0.0, 1.0)).all())
    return _sequence(values, level, planned, padding=(1.0, 0.0) if yes_or_no else ())


def _sequence(values: Floats, alpha: float, planned: int, padding: tuple[float, ...]) -> Interval | None:
    """Where scores are 0 and 1, one pair of each kind is added to find the ends, as Bonett and Price 2012 do for a fixed
    number of rows: without it, thirty rows that all improved would have no spread, and no interval."""
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
