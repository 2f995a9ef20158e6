"""The verdict in the last line of a judge's reply.

The line is a verdict, or a name and a verdict, and nothing else. Whatever else it may be, it is no verdict: whoever wrote the
judged text may make a judge quote one, deny it or speak of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.evaluators.kinds import open_lines
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

_ENDED = re.compile(
    r"(?:[.!。！…।]|</\w{1,30}>)[\"'”’»)\]*_`]{0,5}"
    r"(?:\s?(?:\[\d{1,3}\]|\(pp?\. ?\d{1,5}\)|[¹²³⁴⁵⁶⁷⁸⁹☀-➿\U0001f300-\U0001faff])){0,5}$"
)
"""The end of a sentence, with what may stand behind it: quotation marks, sources, emoji."""
_NOTED = re.compile(r"[^:：]{1,60}[:：]\s?\S|[^:：]{1,60} [–—] \S")
_CALLED = re.compile(r"[^:：=→]{1,80}(?:[-=]>|[:：=→])|<\w|\[\w{1,30}\]")
"""What a verdict with a name begins with, but for “the verdict is”, with which a sentence may go on."""
_LEADS = re.compile(r"([^,.;:!–—(]{1,80}?)\s{0,2}(?:[,.;:!–—(]|- |(?<=\s)(?:because|since|as)\b)")
_NOTE_OF_CHOICE = re.compile(r"[^,.;!–—(:]{1,80}:")
"""“Response A: short and clear.” tells of a choice, and does not make it."""
_REASONED = re.compile(r"\[{0,2}([^,.;:!–—(\[\]]{1,80}?)\]{0,2},?\s{1,2}(?:because|since|as)\b")
_FRACTION = re.compile(r"(\d[\d.]{0,9}) ?(?:/|out of) ?(\d[\d.]{0,9}?)(?![\d/])")
_RATES = re.compile(
    r"(?:\A\W{0,3}|\b(?:give|gave|rate|rated|rating|score|total)\b[^.!?]{0,60}?)"
    r"(\d[\d.]{0,9}) ?(?:/|out of) ?(\d[\d.]{0,9}?)(?![\d/])",
    re.IGNORECASE,
)
_SEPARATED = re.compile(r"(.{1,80}?)(?: ?(?:[-=]>|→) ?| [-–—] )(\S.*)")
_SCALE = re.compile(
    r"\bscale:? \(?(?:(?:of|from|between) )?(-?\d[\d.]*?) ?(?:[-–—]|to|and) ?(-?\d+(?:\.\d+)?)|"
    r"(-?\d[\d.]*?) ?(?:[-–—]|to) ?(-?\d+(?:\.\d+)?)[ -](?:point )?scale\b|\b(\d{1,3})-point scale\b",
    re.IGNORECASE,
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
_TITLE = re.compile(
    r"#{1,6}\s|\*\*[^*]{1,80}\*\*:?$|\W{0,4}(?:(?:criterion|rule|check|claim|question|q) ?\w{1,2}\b|\(\w\)|[a-z]\))",
    re.IGNORECASE,
)
"""What one of several questions begins with."""
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
    if (
        found.value is None
        or found.standing == "strange"
        or (above and not is_apart and _is_item(above[-1], last))
    ):
        return None
    is_called = _CALLED.match(without(BULLET, undressed(last))) is not None
    if above and head.standing == "strange":
        # Nothing goes on in a paragraph of its own that begins with a verdict's name, but a heading or a question.
        is_new = is_apart and is_called and not (_opens(above[-1]) or _TITLE.match(above[-1]))
        is_whole = not _opens(above[-1]) and open_lines.is_whole(above[-1], found.value)
        if not (is_new or is_whole or _is_ended(above[-1], or_point=is_apart or is_called)):
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


def _is_item(above: str, last: str) -> bool:
    """Whether the last line is one more point of a list whose points are no notes, such as lines that a judge quotes."""
    are_points = all(BULLET.match(line) or SYMBOL.match(line) for line in (above, last))
    return are_points and not (_NOTED.match(undressed(above)) or _ENDED.search(above))


def _is_ended(line: str, *, or_point: bool) -> bool:
    """Whether a line is whole, so that what stands below does not belong to it: a sentence, a row, a fence.

    A point or a note may be wrapped into the next line: “Reason: it is not”. It is whole where that one cannot be its end
    (`or_point`).
    """
    if _opens(line):
        return False
    is_point = BULLET.match(line) or SYMBOL.match(line) or _NOTED.match(undressed(line))
    is_whole = _ENDED.search(line) or line.startswith("|") or FENCE.fullmatch(line)
    return bool(is_whole or (or_point and is_point))


def _opens(line: str) -> bool:
    """Whether what stands below belongs to a line: a heading, a question, or one with a colon at its end."""
    return bool(HEADING.match(line)) or undressed(line).endswith((":", "：", "?", "？"))


def _is_one_of_several(options: AnswerOptions, found: Line, lines: Sequence[str], names: Names) -> bool:
    """Whether the last line answers the last of numbered questions, of which an earlier one was answered by the same name."""
    numbered = [n for n, text in enumerate(lines) if _NUMBERED.match(text)]
    titled = [n for n, text in enumerate(lines[:-1]) if _TITLE.match(text)]
    last = max(numbered + titled, default=0)
    above = (read_line(options, text, names) for text in lines[:last])
    return any(line.noun == found.noun and line.value is not None for line in above)


def _is_contradicted(options: AnswerOptions, found: Line, above: Sequence[str], names: Names) -> bool:
    """Whether a line above gives another verdict, or one of another scale.

    A last line that calls its verdict the final or overall one may come behind several different ones: each was of a criterion.
    """
    said = list[object]()
    for text in [each for line in above for each in _statements(options, line, names)]:
        line = read_line(options, text, names)
        if options.answers == "number" and _is_of_another_scale(options, undressed(text)):
            return True
        if not agrees_with(options, text, found.value):
            return True
        if line.standing == "strange":
            if found.standing == "asked" and line.value not in (None, found.value):
                return True
            value = _leading(options, undressed(text))
        elif line.value is None and line.rest:
            value = _begun(options, line)
            is_named = _CALLED.match(without(BULLET, undressed(text)))
            if value is None and is_named and _is_in_words(options, found, line):
                return True
        else:
            value = None if _is_of_judged(options, found, line) else line.value
        if value not in (None, found.value) and (line.standing == "final" or found.standing == "asked"):
            return True
        if value is not None:
            said.append(value)
    differ = [value for value in said if value != found.value]
    return bool(differ) and not (found.standing == "final" and any(value != differ[0] for value in said))


def _is_of_another_scale(options: AnswerOptions, text: str) -> bool:
    """Whether a line speaks of other ends than the evaluator's: “a scale of 1 to 10”, “I rate it 4/10”."""
    scales = [tuple(float_of(one) for one in found.groups() if one) for found in _SCALE.finditer(text)]
    ends = [float_of(found[2]) for found in _RATES.finditer(text)]
    ours = (options.lowest, options.highest)
    return any(one != ours[-len(one) :] for one in scales) or any(top != options.highest for top in ends)


def _is_of_judged(options: AnswerOptions, found: Line, line: Line) -> bool:
    """Whether a number is what the judged text finds, not how good it is: “The final answer is 42”, then “Score: 90”."""
    return options.answers == "number" and found.noun in _SCORES and line.noun in ("answer", "result")


def _statements(options: AnswerOptions, text: str, names: Names) -> list[str]:
    """What a line above says, by names of verdicts: a row of a table and the members of an object as lines with a name."""
    pairs = list(pairwise(text.strip("| ").split("|"))) if text.startswith("|") else _MEMBER.findall(text)
    pairs += [apart.groups()] if (apart := _SEPARATED.fullmatch(without(BULLET, undressed(text)))) else []
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
    """The yes or no, the choice, or the number of all points that a text begins with, such as “False, since it is rude.”"""
    if options.answers == "number":
        points = _FRACTION.match(text)
        return float_of(points[1]) if points and float_of(points[2]) == options.highest else None
    if options.answers == "select" and (reasoned := _REASONED.match(text)):
        return value_of(options, reasoned[1], is_named=True)
    if options.answers == "select" and _NOTE_OF_CHOICE.match(text):
        return None
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
