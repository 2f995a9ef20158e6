"""Which labels were taken for which, and what a candidate changed about that: in all, and pair by pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.evaluations.models import RunScore

SHOWN = 6
Pair = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one label was taken for another, before and after."""

    target: str
    predicted: str | None
    """None for an output that is no label."""
    before: int | None
    """None where nothing is compared."""
    after: int

    @property
    def change(self) -> int:
        """How many rows more than before."""
        return self.after - (self.before or 0)


@dataclass(frozen=True, slots=True)
class Confusions:
    """All rows with a wrong label, of which the pairs that changed most (or, alone, that are most) are told one by one.

    The pairs, and what is `left`, add up to the totals: what a few pairs show cannot be mistaken for all of it.
    """

    pairs: Sequence[Confusion]
    left: int
    """How many other pairs there are."""
    left_before: int | None
    left_after: int
    wrong_before: int | None
    """Rows with a wrong label; None where nothing is compared."""
    rows_before: int | None
    """Rows with a target, of which these are."""
    wrong_after: int
    rows_after: int
    more: int
    """Pairs with more rows than before."""
    fewer: int

    @property
    def total(self) -> Confusion:
        """All of them as one line."""
        return Confusion("", None, self.wrong_before, self.wrong_after)

    @property
    def rest(self) -> Confusion:
        """The other pairs as one line."""
        return Confusion("", None, self.left_before, self.left_after)

    @property
    def comparable(self) -> bool:
        """Whether both are counted on as many rows: else a difference of counts says nothing."""
        return self.rows_before == self.rows_after


def confusions(before: RunScore | None, after: RunScore | None) -> Confusions | None:
    """What was taken for what in `after`, against `before` where that has counts; None where `after` has none (yet)."""
    old, new = _counts(before), _counts(after)
    if not new:
        return None
    old_wrong, new_wrong = _wrong(old), _wrong(new)
    compared = bool(old)
    every = [
        Confusion(*pair, old_wrong.get(pair, 0) if compared else None, new_wrong.get(pair, 0))
        for pair in {**new_wrong, **old_wrong}
    ]
    every.sort(key=lambda one: (-abs(one.change), -one.after, one.target, one.predicted or ""))
    left = every[SHOWN:]
    return Confusions(
        pairs=every[:SHOWN],
        left=len(left),
        left_before=sum(one.before or 0 for one in left) if compared else None,
        left_after=sum(one.after for one in left),
        wrong_before=sum(old_wrong.values()) if compared else None,
        rows_before=sum(old.values()) if compared else None,
        wrong_after=sum(new_wrong.values()),
        rows_after=sum(new.values()),
        more=sum(one.change > 0 for one in every),
        fewer=sum(one.change < 0 for one in every),
    )


def _counts(score: RunScore | None) -> dict[Pair, int]:
    """Rows by target and label, right ones as well."""
    detail: dict[str, Any] = (score.detail if score else None) or {}
    return {(target, predicted): count for target, predicted, count in detail.get("confusion", [])}


def _wrong(counts: Mapping[Pair, int]) -> dict[Pair, int]:
    return {pair: count for pair, count in counts.items() if pair[0] != pair[1]}
