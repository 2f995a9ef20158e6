"""The word for a change: the table "Words for results" of the interface design, first row that holds."""

from dataclasses import dataclass, replace
from typing import Literal

from app.statistics.intervals import Interval

VerdictName = Literal[
    "better", "worse", "no_clear_change", "no_relevant_difference", "too_few", "scoring", "failed"
]
Wanted = Literal["higher", "lower"]
Mark = Literal["gap", "live", "hollow", "better", "worse"]

FEWEST_ROWS = 30
WIDEST_SHARE = 0.2  # 20 points


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to call a change.

    `name` is the API's value, `word` what people read, `badge` the class beside `.badge` ("" for the plain one),
    `glyph` the sign before the word, `mark` how a chart draws it: no mark, a grey one that updates, hollow grey,
    solid blue, solid orange. `borderline`: the interval and the test's p disagree about "no difference".
    """

    name: VerdictName
    word: str
    badge: str
    glyph: str
    mark: Mark
    borderline: bool = False

    @property
    def tone(self) -> str:
        """`better` or `worse`, as which it is coloured; empty where it is neither."""
        return self.badge if self.badge in ("better", "worse") else ""


FAILED = Verdict("failed", "Failed", "error", "", "gap")
SCORING = Verdict("scoring", "Scoring", "accent", "", "live")
TOO_FEW = Verdict("too_few", "Too few yet", "outline", "", "hollow")
BETTER = Verdict("better", "Better", "better", "▲", "better")
WORSE = Verdict("worse", "Worse", "worse", "▼", "worse")
HIGHER = Verdict("better", "Higher", "outline", "▲", "hollow")
LOWER = Verdict("worse", "Lower", "outline", "▼", "hollow")
"""Where neither is wanted; the API's values know no other names."""
NO_RELEVANT_DIFFERENCE = Verdict("no_relevant_difference", "No relevant difference", "", "≈", "hollow")
NO_CLEAR_CHANGE = Verdict("no_clear_change", "No clear change", "", "≈", "hollow")


def verdict(
    delta: Interval | None,
    *,
    n: int,
    failed_all: bool = False,
    running: bool = False,
    wanted: Wanted = "higher",
    smallest_difference: float | None = None,
    share: bool = False,
    delta90: Interval | None = None,
    p: float | None = None,
    neutral: bool = False,
) -> Verdict:
    """The word for `delta`, the paired change with its 95% interval over `n` rows.

    `delta90` is the same with 90%, needed only with `smallest_difference`, the smallest that matters; `p` is the
    test's, which never moves the word but may make it borderline. `neutral`: neither higher nor lower is better. A change without an interval (too few
    clusters) is too few. ValueError for a smallest difference that is not positive, or without `delta90`.
    """
    if smallest_difference is not None and (
        smallest_difference <= 0 or (delta is not None and delta90 is None)
    ):
        raise ValueError("a smallest difference is positive and needs the 90% interval")
    if failed_all:
        return FAILED
    if running:
        return SCORING
    if n < FEWEST_ROWS or delta is None or delta.lo is None or delta.hi is None:
        return TOO_FEW
    if delta.excludes(0.0):
        if neutral:
            word = HIGHER if delta.lo > 0 else LOWER
        else:
            word = BETTER if (delta.lo > 0) == (wanted == "higher") else WORSE
    elif smallest_difference is not None and _inside(delta90, smallest_difference):
        word = NO_RELEVANT_DIFFERENCE
    elif share and delta.hi - delta.lo > WIDEST_SHARE:
        return TOO_FEW
    else:
        word = NO_CLEAR_CHANGE
    disagree = p is not None and delta.excludes(0.0) != (p < 0.05)
    return replace(word, borderline=disagree)


def _inside(delta: Interval | None, limit: float) -> bool:
    """Two one-sided tests: equivalent when the 90% interval lies within ±limit."""
    return (
        delta is not None
        and delta.lo is not None
        and delta.hi is not None
        and -limit < delta.lo <= delta.hi < limit
    )
