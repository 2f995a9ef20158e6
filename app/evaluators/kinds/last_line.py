"""The verdict in the last line of a judge's reply.

The line is a verdict, or a name and a verdict, and nothing else. Whatever else it may be, it is no verdict: whoever wrote the
judged text may make a judge quote one, deny it or speak of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import FENCE, is_paragraph, lines_of, undressed
from app.evaluators.kinds.verdict_lines import (
    BULLET,
    HEADING,
    SYMBOL,
    Line,
    Names,
    name_in,
    names_of,
    read_line,
    without,
)
from app.evaluators.kinds.verdict_values import agrees_with, chosen_in, float_of, is_list_of_answers, value_of

_ENDED = re.compile(r"(?:[.!。！…।]|</\w{1,30}>)[\"'”’»)\]*_`]{0,5}$")
_NOTED = re.compile(r"[^:：]{1,60}[:：]\s?\S")
_CALLED = re.compile(r"[^:：=→]{1,80}(?:[-=]>|[:：=→])|<\w|\[\w{1,30}\]")
"""What a verdict with a name begins with, but for “the verdict is”, with which a sentence may go on."""
_LEADS = re.compile(r"([^,.;:!–—(]{1,80}?)\s{0,2}(?:[,.;:!–—(]|- )")
_SCALE = re.compile(
    r"\bscale:? \(?(?:(?:of|from) )?(-?\d[\d.]*?) ?(?:[-–—]|to) ?(-?\d+(?:\.\d+)?)", re.IGNORECASE
)
_TICK = re.compile(r"\A(?:✅|✓|✔|\[[xX]\])\s{0,3}|\s{0,3}(?:✅|✓|✔)\Z")
_ANYTHING = re.compile(r"\w")
_TAGGED = re.compile(r"<(\w{1,30})>(.*)</\1>")
_MARKUP = re.compile(r"</?\w{1,30}>")
_OWN = frozenset(
    (
        "verdict",
        "judgment",
        "judgement",
        "decision",
        "winner",
        "preference",
        "choice",
        "label",
        "labels",
        "grade",
        "score",
        "rating",
    )
)
"""What a line that begins so says of the judge's own verdict, whatever comes behind it."""
_SCORES = frozenset(("score", "rating", "grade"))
_A_NUMBER = re.compile(r"\d[\d.]{0,9}(?: ?(?:/|out of) ?\d[\d.]{0,9})?%?\.?")
_MEMBER = re.compile(r"[\"'](\w[\w -]{0,40})[\"'] ?: ?([^,{}\[\]]{1,200})")
_BREAK = re.compile(r"[,.;:!?–—(\s]")
_OF_A_SCALE = re.compile(r"\S+ ?/")
_LONGEST_BEGINNING = 120
_NUMBERED = re.compile(r"[#*_\s]{0,12}(?:(?:criterion|question|step) )?\d{1,3}[.):]", re.IGNORECASE)
_EMPTY_POINT = re.compile(r"\d{1,3}[.)]")
_SHORT = 2
"""Characters of a choice that is a letter, by which lines may be numbered."""


@dataclass(frozen=True, slots=True)
class LastLine:
    """What a reply ends with."""

    text: str
    value: object | None
    """The verdict, in the type that is wanted; None where the reply gives none."""
    rationale: str
    """What stands above."""


def read_last_line(options: AnswerOptions, reply: str, prompt: str = "") -> LastLine:
    """The verdict that the last line of a reply holds; every text is one where texts are wanted, if it says anything.

    `prompt` is what the judge was asked, in which placeholders stand for what is judged.
    """
    lines = lines_of(reply)
    if not lines:
        return LastLine("", None, "")
    first = len(lines) - 1
    names = names_of(options, prompt)
    match options.answers:
        case "text":
            value: object | None = _text(lines[-1])
        case "multi_select" if listed := _list_at_end(options, lines):
            first, value = listed
            is_strange = first > 0 and name_in(options, lines[first - 1], names).standing == "strange"
            if is_strange or _is_contradicted(options, Line("usual", value=value), lines[:first], names):
                value = None
        case _:
            value = _verdict(options, lines, names, is_apart=is_paragraph(reply, lines[-1]))
    rationale = reply.rpartition(lines[first])[0].strip("\ufeff \t\r\n")
    return LastLine(", ".join(lines[first:]), value, rationale)


def _text(line: str) -> str | None:
    """A text that is more than a mark."""
    tagged = _TAGGED.fullmatch(line)
    said = tagged[2].strip() if tagged else line
    return (
        said
        if _ANYTHING.search(said) and not said.startswith("```") and not _MARKUP.fullmatch(said)
        else None
    )


def _list_at_end(options: AnswerOptions, lines: Sequence[str]) -> tuple[int, list[str] | None] | None:
    """Where the lines at the end begin that hold choices and nothing else, and the choices; None where the last one is no such line."""
    first, chosen = len(lines), list[str]()
    while first and (found := _listed(options, lines[first - 1])) is not None:
        if not found and first < len(lines):
            return first - 1, None
        first -= 1
        chosen[:0] = found
        if not found:
            break
    return None if first == len(lines) else (first, chosen)


def _listed(options: AnswerOptions, line: str) -> list[str] | None:
    bare = undressed(without(BULLET, line))
    bare = _TICK.sub("", _TICK.sub("", bare, count=1), count=1)
    return chosen_in(options.choices, bare.rstrip(".,;"))


def _verdict(options: AnswerOptions, lines: Sequence[str], names: Names, *, is_apart: bool) -> object | None:
    *above, last = lines
    head = name_in(options, above[-1], names) if above else Line("strange")
    found = read_line(options, last, names, is_quiet=not above or head.standing != "strange")
    if found.value is None or found.standing == "strange":
        return None
    may_follow_point = is_apart or _CALLED.match(without(BULLET, undressed(last)))
    if above and head.standing == "strange" and not _is_ended(above[-1], or_point=bool(may_follow_point)):
        return None
    if found.standing == "alone":
        if _is_cut_off(options, above, last, names):
            return None
        if head.standing != "strange":
            found = Line(head.standing, head.noun, found.value)
    elif found.standing == "usual" and head.standing == "final":
        found = Line("final", found.noun, found.value)
    is_in_vain = found.standing == "usual" and _is_one_of_several(options, found, lines, names)
    return None if is_in_vain or _is_contradicted(options, found, above, names) else found.value


def _is_cut_off(options: AnswerOptions, above: Sequence[str], last: str, names: Names) -> bool:
    """Whether a verdict without a name is the end of something else: of “Verdict: not”, of a list; several choices always may be."""
    if options.answers == "multi_select":
        return True
    if _EMPTY_POINT.fullmatch(last) and any(map(_NUMBERED.match, above)):
        return True
    before = (
        read_line(options, above[-1], names) if above and not _ENDED.search(above[-1]) else Line("strange")
    )
    return bool(before.rest) and before.value is None and before.standing != "strange"


def _is_ended(line: str, *, or_point: bool) -> bool:
    """Whether a line is whole, so that what stands below does not belong to it: a sentence, a row, a fence.

    A point or a note may be wrapped into the next line: “Reason: it is not”. It is whole where that one cannot be its end
    (`or_point`).
    """
    if HEADING.match(line) or undressed(line).endswith((":", "：", "?", "？")):
        return False
    is_point = BULLET.match(line) or SYMBOL.match(line) or _NOTED.match(undressed(line))
    is_whole = _ENDED.search(line) or line.startswith("|") or FENCE.fullmatch(line)
    return bool(is_whole or (or_point and is_point))


def _is_one_of_several(options: AnswerOptions, found: Line, lines: Sequence[str], names: Names) -> bool:
    """Whether the last line answers the last of numbered questions, of which an earlier one was answered by the same name."""
    numbered = [n for n, text in enumerate(lines) if _NUMBERED.match(text)]
    above = (read_line(options, text, names) for text in lines[: max(numbered, default=0)])
    return any(line.noun == found.noun and line.value is not None for line in above)


def _is_contradicted(options: AnswerOptions, found: Line, above: Sequence[str], names: Names) -> bool:
    """Whether a line above gives another verdict, or one of another scale.

    A last line that calls its verdict the final or overall one may come behind several different ones: each was of a criterion.
    """
    said = list[object]()
    for text in [each for line in above for each in _statements(options, line, names)]:
        line = read_line(options, text, names)
        scale = _SCALE.search(undressed(text)) if options.answers == "number" else None
        if scale and (float_of(scale[1]), float_of(scale[2])) != (options.lowest, options.highest):
            return True
        if not agrees_with(options, text, found.value):
            return True
        if line.standing == "strange":
            if found.standing == "asked" and line.value is not None:
                return True
            value = _leading(options, undressed(text))
        elif line.value is None and line.rest:
            value = _begun(options, line)
            if value is None and _is_in_words(options, found, line):
                return True
        else:
            value = line.value
        if value not in (None, found.value) and (line.standing == "final" or found.standing == "asked"):
            return True
        if value is not None:
            said.append(value)
    differ = [value for value in said if value != found.value]
    return bool(differ) and not (found.standing == "final" and any(value != differ[0] for value in said))


def _statements(options: AnswerOptions, text: str, names: Names) -> list[str]:
    """What a line above says, by names of verdicts: a row of a table and the members of an object as lines with a name."""
    pairs = list(pairwise(text.strip("| ").split("|"))) if text.startswith("|") else _MEMBER.findall(text)
    named = [(name.strip(), value.strip(" \"'")) for name, value in pairs]
    named = [(name, value) for name, value in named if name_in(options, name, names).standing != "strange"]
    return [f"{name}: {value}" for name, value in named if value] or [text]


def _begun(options: AnswerOptions, line: Line) -> object | None:
    """The verdict that a named line begins with, and gives a reason for: “Verdict: **B**, since A is rude.”"""
    is_own = line.noun in _OWN
    if not (is_own or line.standing == "final") or is_list_of_answers(options, line.rest):
        return _leading(options, line.rest)
    rest = undressed(line.rest.replace("[[", " ").replace("]]", " ").strip())
    if options.answers == "number" and not is_own and not _OF_A_SCALE.match(rest):
        return None
    ends = [found.start() for found in _BREAK.finditer(rest[:_LONGEST_BEGINNING])]
    begun = (value_of(options, rest[:end], is_named=True) for end in reversed(ends))
    return next((value for value in begun if value is not None), None)


def _leading(options: AnswerOptions, text: str) -> object | None:
    """The yes or no, or the choice, that a text begins with, such as “False, since it is rude.”"""
    leads = _LEADS.match(text) if options.answers in ("boolean", "select") else None
    value = value_of(options, leads[1], is_named=True) if leads else None
    return None if isinstance(value, str) and len(value) <= _SHORT else value


def _is_in_words(options: AnswerOptions, found: Line, line: Line) -> bool:
    """Whether a line answers by the same name, or by one that verdicts alone have, in words that nobody can compare: “Score: two”,
    “Verdict: rude”. It may list the answers that there are; and beside a yes or no, or a choice, give a number.
    """
    if is_list_of_answers(options, line.rest):
        return False
    if line.noun == found.noun:
        return True
    if options.answers == "number":
        return line.noun in _SCORES
    return line.noun in (_OWN - _SCORES | {"grade"}) and not _A_NUMBER.fullmatch(undressed(line.rest))
