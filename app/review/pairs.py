"""Two outputs of a row side by side: which is shown first to whom, and what a preference is kept as. Pure.

A preference is kept as a pairwise judge's verdict is: a number beside the output of the newer version, 1 where it is preferred,
0 where the other one is, and 0.5 for a tie, so that the mean is its share of wins.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from app.core.errors import DomainError, Invalid
from app.evaluators.binding import bind
from app.evaluators.kinds.human import HumanOptions
from app.files.models import Version
from app.review.models import ReviewQueue

First = Literal["output", "other"]
"""Which of the two is shown as A: the output that the judgment is of, or the other one."""
SAYINGS = ("a", "b", "tie")
"""What people say, by the place that they see."""
TIE = 0.5
QUESTION = "Which is better"
"""The evaluator that is made where nobody wrote a question."""
SETTINGS: Mapping[str, Any] = {
    "answers": "number",
    "lowest": 0,
    "highest": 1,
    "step": 0.5,
    "instructions": "Which of the two answers serves the person who asked better? Length and order do not count by themselves.",
}


def takes_preferences(version: Version) -> bool:
    """Whether an evaluator's answers can be preferences: people give a number from 0 to 1 in halves, more being better."""
    try:
        options = bind(version.spec).options
    except DomainError:
        return False
    return (
        isinstance(options, HumanOptions)
        and options.answers == "number"
        and (options.lowest, options.highest, options.step) == (0, 1, TIE)
        and options.wanted == "higher"
    )


def first_of(queue: ReviewQueue, position: int, user_id: str) -> First | None:
    """Which output of an item somebody is shown as A: as if a coin were tossed for each person and item, and the same again
    whenever they look. None where the queue shows one output at a time."""
    if not queue.is_pair:
        return None
    tossed = hashlib.sha256(f"{queue.id} {position} {user_id}".encode()).digest()[0]
    return "output" if tossed & 1 else "other"


def value_of(first: First, said: object) -> float | None:
    """What is kept where somebody says `a`, `b` or `tie`; None: they cannot tell.

    Raises:
        Invalid: it is none of these.
    """
    if said is None:
        return None
    if said not in SAYINGS:
        text = f"The answer is {said!r:.40}, and not a, b or tie."
        raise Invalid(text, fields={"answers": text})
    if said == "tie":
        return TIE
    return float((said == "a") == (first == "output"))


def said_of(first: First, value: object) -> str | None:
    """The reverse of `value_of`. Other numbers, which come by the API only, are read as the side that they lean to."""
    if not isinstance(value, float | int) or isinstance(value, bool):
        return None
    if value == TIE:
        return "tie"
    return "a" if (value > TIE) == (first == "output") else "b"


def detail_of(first: First, value: float | None, other_log_id: str) -> dict[str, Any]:
    """What is kept beside a preference, by the names that a pairwise judge's verdict has: against what, and which was shown first."""
    better = None if value is None else "tie" if value == TIE else "output" if value > TIE else "other"
    return {"against": other_log_id, "orders": [{"shown_first": first, "better": better}]}
