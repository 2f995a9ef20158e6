"""The verdict in the last line of a judge's reply.

The line must be understood whole, by the few forms that judges use for verdicts: whoever wrote the judged text may make a judge
quote it, deny it or speak of its scale. What could be that is no verdict.
"""

import re
from collections.abc import Sequence

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import lines_of, undressed
from app.evaluators.kinds.verdict_lines import Line, name_in, read_line
from app.evaluators.kinds.verdict_values import UNCLEAR, Unclear

_INTRODUCES = re.compile(r"(?:as (?:requested|asked|instructed),? )?(?:here is|here's|this is) my .{0,60}|so")
_BULLET = re.compile(r"^(?:[-–—•+]|\d{1,3}[.)])\s+")
_DENIES = re.compile(r"\b(?:not|no|none|never|without|absent|missing|neither)\b|n['’]t\b", re.IGNORECASE)
_MOST_LINES = 300
"""Lines above the last one that are read: the nearest ones."""
_OF_A_PART = "answer"
"""A yes or no that is said by this name above may be of a step."""


def verdict_in(options: AnswerOptions, reply: str, asked: str = "") -> tuple[object, str]:
    """The verdict that the last line of a reply holds, in the type that is wanted, and the reason above it.

    The line itself, a text, where it holds no verdict; every text is one where texts are wanted. `asked` is the template of the
    prompt.
    """
    lines = lines_of(reply)
    if not lines:
        return "", ""
    last = lines[-1]
    rationale = reply.rpartition(last)[0].strip("\ufeff \t\r\n")
    if options.answers == "text":
        return last, rationale
    if options.answers == "multi_select":
        lines = _with_list_in_a_line(options, lines)
    return (last if (found := _verdict(options, lines, asked)) is None else found), rationale


def _verdict(options: AnswerOptions, lines: Sequence[str], asked: str) -> object | None:
    *above, last = lines[-_MOST_LINES:]
    found = read_line(options, last, asked)
    if above and undressed(above[-1]).endswith((":", "：")):
        called = name_in(options, above[-1], asked)
        if called.standing == "strange" and not _INTRODUCES.fullmatch(_plain(above[-1])):
            return None
        if found.standing == "alone" and called.standing != "strange":
            found = Line(called.standing, called.name, found.value)
    if found.value is None or isinstance(found.value, Unclear) or found.standing == "strange":
        return None
    return None if _is_contradicted(options, found, above, asked) else found.value


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
    if first and _DENIES.search(lines[first - 1]) and lines[first - 1][-1:] not in ".!":
        return lines  # of what is not the case
    joined = ", ".join(_BULLET.sub("", undressed(line), count=1).rstrip(" ,;") for line in lines[first:])
    return [*lines[:first], joined]


def _lists(options: AnswerOptions, line: str) -> bool:
    return isinstance(read_line(options, line.rstrip(" ,;"), "").value, list)


def _plain(line: str) -> str:
    return undressed(line).rstrip(" :：").casefold()
