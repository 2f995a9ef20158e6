"""The verdict in the last line of a judge's reply.

The line must be understood whole, by the few forms that judges use for verdicts: whoever wrote the judged text may make a judge
quote it, deny it or speak of its scale. What could be that is no verdict.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import lines_of, undressed
from app.evaluators.kinds.verdict_lines import Line, name_in, read_line
from app.evaluators.kinds.verdict_values import UNCLEAR, Unclear

_INTRODUCES = re.compile(r"(?:as (?:requested|asked|instructed),? )?(?:here is|here's|this is) my .{0,60}|so")
_BULLET = re.compile(r"^(?:[-–—•+]|\d{1,3}[.)])\s+")
_ENDED = re.compile(r"[.!?。！？।][\"'”’»)\]]{0,3}$")
_GOES_ON = re.compile(
    r"\b(?:is|are|be|was|were|of|to|as|say|says|with|these|this|the|that|many|mistakes|errors|count)$|"
    r"\b(?:not|no|none|never|without|absent|missing|neither|cannot|reject\w*|refus\w*|exclud\w*|rul(?:e[ds]?|ing) out|weaker|worse|"
    r"loser|runner-up|should|would|could|asks?|says?|demands?)\b|n['’]t\b",
    re.IGNORECASE,
)
"""In a line that has no end: what follows on the next one may be denied, or be somebody else's."""
_HEADS = re.compile(r"#{1,6}\s|(?:\*\*|__)[^*_]{1,100}(?:\*\*|__)$")
"""A heading, or a line that is bold as a whole: what comes below belongs to it, colon or not."""
_FEW_WORDS = 6
"""A line of no more, without an end, may be a heading, too, or the beginning of what the next one says."""
_ELSEWHERE = re.compile(r"\b(?:below|following)\b", re.IGNORECASE)
_DENIES = re.compile(
    r"\b(?:none|neither|nor|inapplicable|absent|not apply|not hold)\b|n['’]t (?:apply|hold)\b", re.IGNORECASE
)
_IS_CLAUSE = re.compile(r"\b(?:is|are|was|were|has|have|had|it|they)\b", re.IGNORECASE)
_REPORTED = re.compile(r"\b(?:says?|said|wrote|writes|reads?|claims?|quoted?|ends with)$", re.IGNORECASE)
_SCALE = re.compile(r"\bscale\b|/ ?\d|\bout of\b|\bmax", re.IGNORECASE)
_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
_LONGEST_SCALE = 200
_MOST_LINES = 300
"""Lines above the last one that are read: the nearest ones."""
_OF_A_PART = "answer"
"""A yes or no that is said by this name above may be of a step."""


@dataclass(frozen=True, slots=True)
class LastLine:
    """What a reply ends with."""

    text: str
    value: object | None
    """The verdict, in the type that is wanted; None where the reply gives none."""
    rationale: str
    """What stands above."""


def read_last_line(options: AnswerOptions, reply: str, asked: str = "") -> LastLine:
    """The verdict that the last line of a reply holds; every text is one where texts are wanted. `asked` is the template of
    the prompt."""
    lines = lines_of(reply)
    if not lines:
        return LastLine("", None, "")
    last = lines[-1]
    rationale = reply.rpartition(last)[0].strip("\ufeff \t\r\n")
    if options.answers == "text":
        return LastLine(last, last, rationale)
    if options.answers == "multi_select":
        lines = _with_list_in_a_line(options, lines)
    return LastLine(last, _verdict(options, lines, asked), rationale)


def _verdict(options: AnswerOptions, lines: Sequence[str], asked: str) -> object | None:
    *above, last = lines[-_MOST_LINES:]
    found = read_line(options, last, asked)
    if above and _is_head(above[-1]):
        called = name_in(options, above[-1], asked)
        if called.standing == "strange" and not _INTRODUCES.fullmatch(_plain(above[-1])):
            return None
        if found.standing == "alone" and called.standing != "strange":
            found = Line(called.standing, called.name, found.value)
    elif above and _leads_elsewhere(options, above[-1], asked, found):
        return None
    if found.value is None or isinstance(found.value, Unclear) or found.standing == "strange":
        return None
    if options.answers == "number" and _is_of_another_scale(options, above):
        return None
    return None if _is_contradicted(options, found, above, asked) else found.value


def _is_head(line: str) -> bool:
    """Whether a line calls what comes below it something."""
    return bool(_HEADS.match(line)) or undressed(line).endswith((":", "："))


def _leads_elsewhere(options: AnswerOptions, above: str, asked: str, found: Line) -> bool:
    """Whether what the line above says makes the verdict below somebody else's, the end of a sentence, or a list of it."""
    bare, line = undressed(above), read_line(options, above, asked)
    if line.standing in ("final", "usual", "asked"):
        return False
    if _ELSEWHERE.search(bare) or _REPORTED.search(bare):
        return True
    if found.standing != "alone":
        return False
    if options.answers == "multi_select" and _DENIES.search(bare):
        return True
    is_named = name_in(options, above, asked).standing != "strange"
    if is_named or bare.endswith("?"):
        return not is_named
    return line.value is None and not _ENDED.search(above) and _goes_on(options, above)


def _goes_on(options: AnswerOptions, above: str) -> bool:
    """Whether a line without an end may go on in the next one, or be its heading."""
    bare = undressed(above)
    may_be_head = len(bare.split()) <= _FEW_WORDS and not _BULLET.match(above) and not _IS_CLAUSE.search(bare)
    return options.answers == "multi_select" or may_be_head or _GOES_ON.search(bare) is not None


def _is_of_another_scale(options: AnswerOptions, above: Sequence[str]) -> bool:
    """Whether a line above speaks of a scale that is not the evaluator's own."""
    for line in above:
        bare = undressed(line)
        if len(bare) <= _LONGEST_SCALE and _SCALE.search(bare):
            numbers = [float(one) for one in _NUMBERS.findall(bare)]
            if numbers and options.highest not in numbers:
                return True
    return False


def _is_contradicted(options: AnswerOptions, found: Line, above: Sequence[str], asked: str) -> bool:
    """Whether an earlier line gives another verdict.

    A last line that calls its verdict the final or overall one may come behind several different ones: each was of a criterion.
    """
    said = [line for text in above if (line := read_line(options, text, asked)).value is not None]
    final = [line.value for line in said if line.standing == "final"]
    own = [
        line.value.leans if isinstance(line.value, Unclear) and line.standing == "alone" else line.value
        for line in said
        if (line.standing == "usual" and (line.name != _OF_A_PART or options.answers != "boolean"))
        or (line.standing == "alone" and line.value != UNCLEAR)
        or (line.name == found.name and line.name)
    ]
    beside = (
        [line.value for line in said if line.standing in ("asked", "strange")]
        if found.standing == "asked"
        else []
    )
    if any(value != found.value for value in (*final, *beside)):
        return True
    if found.standing == "final" and any(value != own[0] for value in own):
        return False
    return any(value != found.value for value in own)


def _with_list_in_a_line(options: AnswerOptions, lines: Sequence[str]) -> Sequence[str]:
    """The lines, those at the end that hold a choice each joined to one: “Labels:” may stand before the first."""
    first = len(lines) - 1
    if not _lists(options, lines[first]):
        return lines
    while first > 0 and ":" not in lines[first] and _lists(options, lines[first - 1].rpartition(":")[2]):
        first -= 1
    joined = ", ".join(_BULLET.sub("", undressed(line), count=1).rstrip(" ,;") for line in lines[first:])
    return [*lines[:first], joined]


def _lists(options: AnswerOptions, line: str) -> bool:
    return isinstance(read_line(options, line.rstrip(" ,;"), "").value, list)


def _plain(line: str) -> str:
    return undressed(line).rstrip(" :：").casefold()
