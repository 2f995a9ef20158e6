"""The verdict in the members of a JSON object that a judge replied with."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.verdict_values import choice_of, value_of

_REASONS = (
    "rationale", "reasoning", "reason", "reasons", "explanation", "justification", "justifications", "thoughts", "thought",
    "thinking", "thoughtprocess", "chainofthought", "stepbystep",
)  # fmt: skip
_NOTES = frozenset(
    (
        "analysis",
        "critique",
        "feedback",
        "comment",
        "comments",
        "evidence",
        "summary",
        "notes",
        "observations",
    )
)
"""Names of what stands beside a verdict, but where a text is asked for: that may well be called so."""
_FINAL = frozenset(
    f"{begins}{noun}"
    for begins in ("final", "overall")
    for noun in ("", "verdict", "judgment", "judgement", "score", "rating", "grade", "decision")
    if begins != "final" or noun
)
_VERDICTS = frozenset(("verdict", "judgment", "judgement"))
_PASSES = frozenset(("pass", "passed"))
"""Names of a yes or no, beside a score or not."""
_GROUPS = (_FINAL, _VERDICTS, frozenset(("score", "rating")))
"""Names of verdicts: one of an earlier group goes before those of a later one."""
ALONE = frozenset(("grade", "answer", "finalanswer", "label", "labels", "result", "decision"))
"""Names that may as well be of what is judged: they count where nothing else is said."""
_LIKE_VERDICT = re.compile(
    "verdict|judge?ment|score|rating|grade|answer|label|result|decision|final|overall|^pass(?:ed)?$|winner|prefer|choice|chosen|"
    "outcome|conclusion|classif|evaluat|status|assess|categor|^(?:corrected|revised|adjusted|updated)"
)
_SURE = re.compile("confidence|confident|certainty|^(?:un)?certain$")
_OF_SCALE = re.compile(
    "max|scale|range|outof|possible|denominator|total(?:score|points)?$|^base$|^of$|^highest|^upper|^limit$"
)
_CORRECTS = re.compile("adjust|revis|correct|updat|final|overall|decision")
"""Of a member that goes over the verdict beside it, legal or not."""
_TELLS = re.compile(
    "(?:assessment|feedback|comments?|summary|thoughts|remarks|explanation|impression|notes?)$"
)
"""Of a member that tells of a verdict in words."""
_TOP = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


def folded(name: str) -> str:
    """The name of a member, however it is written: `Final score` is `final_score`."""
    return re.sub(r"[\s_-]", "", name.casefold())


def is_like_verdict(name: str) -> bool:
    """Whether a member may hold a verdict, too, by its name."""
    return _LIKE_VERDICT.search(folded(name)) is not None


def is_of_certainty(name: str) -> bool:
    """Whether a member says how sure a judge is."""
    return _SURE.search(folded(name)) is not None


def is_reason(options: AnswerOptions, name: str) -> bool:
    """Whether a member says why a verdict is so."""
    return name in _REASONS or (name in _NOTES and options.answers != "text")


def is_beside(options: AnswerOptions, name: str) -> bool:
    """Whether a member says why a verdict is so, how sure a judge is of it, or how far its scale goes."""
    return is_reason(options, name) or bool(_SURE.search(name) or _OF_SCALE.search(name))


def verdict_in(options: AnswerOptions, said: Mapping[str, object], alone: AbstractSet[str]) -> object | None:
    """The value of the member that is the verdict, as it is wanted where it is legal; None where that is not clear.

    That is the final or overall one, or else `verdict` or `judgment`, or else `score` or `rating`, if no other that may be one
    differs; or else the only member beside the reason, by a name that counts `alone`. `said` has names as `folded` makes them.
    """
    asked = alone if len(alone) == 1 else frozenset[str]()
    tops = [
        _top(value)
        for name, value in said.items()
        if _OF_SCALE.search(name) and name not in asked and value is not None
    ]
    if options.answers == "number" and any(top is None or top != options.highest for top in tops):
        return None
    left = [name for name in said if name in asked or not is_beside(options, name)]
    groups = (*_GROUPS[:2], _PASSES, *_GROUPS[2:]) if options.answers == "boolean" else _GROUPS
    found = next((each for group in groups if (each := [name for name in left if name in group])), [])
    if not found:
        return as_wanted(options, said[left[0]]) if len(left) == 1 and left[0] in alone else None
    value = as_wanted(options, said[found[0]])
    is_rival = (_FINAL | _VERDICTS).__contains__ if found[0] in _FINAL else is_like_verdict
    others = [(name, as_wanted(options, said[name])) for name in left if is_rival(name)]
    return (
        value
        if all(other == value or _is_no_verdict(options, name, other) for name, other in others)
        else None
    )


def _is_no_verdict(options: AnswerOptions, name: str, value: object) -> bool:
    """Whether a member with the name of a verdict holds none: text about it, or something of another type."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    goes_over = _CORRECTS.search(name) and "answer" not in name and value is not None
    if isinstance(value, str) and _TELLS.search(name):
        goes_over = None
    is_like_ours = options.answers == "number" and is_number
    return bool(options.refusal("", value)) and not goes_over and not is_like_ours


def as_wanted(options: AnswerOptions, value: object) -> object:
    """A text that is a verdict as a whole, as the verdict: “true”, “4/5”, a choice in capitals; anything else as it is."""
    if options.answers == "multi_select" and isinstance(value, list):
        return [choice_of(options.choices, one) or one if isinstance(one, str) else one for one in value]
    if not isinstance(value, str) or options.answers == "text":
        return value
    read = value_of(options, value, is_named=False)
    return value if read is None else read


def _top(value: object) -> float | None:
    """The largest number of a scale that is written as “5”, “1-5” or [1, 5]."""
    found = _TOP.findall(str(value)[:100])
    return max(map(float, found)) if found else None
