"""The verdict in the last line of a judge's reply. The line must be understood whole: it is the verdict alone, words that lead
to it and the verdict, or sentences and then the verdict. Whoever wrote the judged text may make a judge quote it, deny it or
speak of its scale: what could be that is no verdict.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.earlier_verdicts import is_contradicted
from app.evaluators.kinds.reply_lines import CLOSES, OPENS, is_marked, is_unticked, undressed
from app.evaluators.kinds.verdict_labels import (
    ABBREVIATIONS,
    LONGEST_LABEL,
    REPORTS,
    Others,
    is_introduction,
    is_label,
    is_subject,
    plain_of,
    sentences_of,
    without_mark,
)
from app.evaluators.kinds.verdict_scales import (
    WORDS,
    lists_answers,
    names_a_choice,
    names_a_number,
    names_a_word,
    number_of,
    rates,
    says_another_choice,
    says_another_word,
    without_lists,
    without_scale,
)

_LONGEST_LINE = 5_000
_NEAR = 200
"""Characters before the end in which is looked for what needs to look back and forth."""
_LONGEST_ABOVE = 20_000
_LONGEST_CODE = 2
"""Characters of a choice that is a code such as “A”, and describes nothing."""
_QUOTES = ('"', "“", "”")
_PAIRS = (("“", "”"), ("«", "»"), ("「", "」"), ("『", "』"), ("(", ")"), ("【", "】"))
_SINGLE = re.compile(r"(?<!\w)['‘]")
_NO_BRACKETS = str.maketrans("", "", "()[]【】")
_NO_QUOTES = str.maketrans("", "", "".join(_QUOTES))
_NUMBER = re.compile(
    r"(?<![^\s:：=>*_`\"'“‘«「【(\[])([+-]?\d[\d.]*(?:e[+-]?\d+)?|nan|inf)"
    r"(?:(?:[\s*_`]*/[\s*_`]*|[\s*_`(]+(?:out\s+)?of[\s*_`]+)(\d[\d.]*))?$",
    re.ASCII | re.IGNORECASE,
)
"""At the end of a line, with the end of its scale: `4/5`, `4 out of 5`."""
_SIGN = re.compile(r"(?:[:：=]|[-=]>|[→➔➜➡⇒⟶])$")
_DASH = re.compile(r"\s[–—-]{1,3}$")
_SENTENCE = re.compile(
    rf"(\w\w+)[\"'”’»」』)\]】*_]*(?:[.!?][\"'“”’»」』)\]】*_]*(\s[{re.escape(OPENS)}]*)|[。！？।]([{re.escape(OPENS)}]*))$"
)
"""The end of a sentence, but not of “e.g.”. A number does not stand alone behind it: it may be a part of what was said, such as
“guideline No. 3”."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A line of which a verdict was found at the end, and what would say that it is none."""

    line: str
    lists: Others
    """Whether a text only names the answers that there are, or their scale."""
    in_label: Others
    """Whether words that lead to the verdict name another one."""
    in_sentence: Others
    """Whether a sentence before it gives another one."""
    is_question: bool = False
    is_description: bool = False
    may_be_sentence: bool = True


def verdict_in(options: AnswerOptions, line: str, above: str = "") -> object:
    """The verdict that a line holds, in the type that is wanted; the line itself where it holds none.

    `above` is the reply before it: a line there may say what this one is, or give another verdict.
    """
    if options.answers == "text":
        return line
    if len(line) > _LONGEST_LINE or line.startswith(">") or is_unticked(line):  # `>` is what Markdown quotes
        return line
    above = above[-_LONGEST_ABOVE:]
    bare = undressed(line)
    found = _read(options, bare)
    if found is None or _is_gainsaid(options, line, found) or not _is_introduced(above):
        return line
    return line if is_contradicted(options, bare, found, above) else found


def _read(options: AnswerOptions, line: str) -> object | None:
    lists = partial(lists_answers, options)
    if options.answers == "number":
        return _number(options, line, lists)
    line = without_mark(line)
    match options.answers:
        case "select":
            return _choice(options.choices, line, lists)
        case "multi_select":
            return _chosen(options.choices, line, lists)
        case _:
            return _yes_or_no(line, lists)


def _is_gainsaid(options: AnswerOptions, line: str, found: object) -> bool:
    """Whether the line has an emoji that says the contrary."""
    good, bad = found is True or found in options.good, found is False or found in options.bad
    return (bad and is_marked(line, good=True)) or (good and is_marked(line, good=False))


def _yes_or_no(line: str, lists: Others) -> bool | None:
    bare = line.rstrip(CLOSES)
    word = re.split(r"[^A-Za-z]", bare)[-1]
    value = WORDS.get(word.casefold())
    if value is None:
        return None
    reading = _Reading(line, lists, names_a_word, partial(says_another_word, value), is_question=True)
    return value if _stands(reading, bare.removesuffix(word)) else None


def _number(options: AnswerOptions, line: str, lists: Others) -> float | None:
    may_be_minus = line[:1] in "-–—" and (options.lowest is None or options.lowest < 0)
    if not may_be_minus and not line[:1].isdigit():
        line = without_mark(line)
    bare = line.rstrip(CLOSES)
    found = _NUMBER.search(bare, max(0, len(bare) - _NEAR))
    if not found or (found[2] and number_of(found[2]) != options.highest):
        return None
    reading = _Reading(line, lists, names_a_number, rates, may_be_sentence=False)
    return number_of(found[1]) if _stands(reading, bare[: found.start()]) else None


def _choice(choices: Sequence[str], line: str, lists: Others) -> str | None:
    """The choice that a line is, or leads to; the longest where several do."""
    folded = line.casefold()
    for closes in ("", CLOSES.translate(_NO_BRACKETS), CLOSES):
        bare = folded.rstrip(closes)
        for one in sorted(choices, key=len, reverse=True):
            last = one.casefold()
            if last and bare.endswith(last):
                others = [each for each in choices if each.casefold() != last]
                reading = _Reading(
                    line,
                    lists,
                    partial(names_a_choice, others, line),
                    partial(says_another_choice, others, one, line),
                    is_description=len(last) > _LONGEST_CODE and not last[-1].isdigit(),
                )
                if _stands(reading, bare.removesuffix(last)):
                    return one
    return None


def _chosen(choices: Sequence[str], line: str, lists: Others) -> list[str] | None:
    """The choices that a line lists, behind words that lead to them or not."""
    by_name = {one.casefold(): one for one in choices}
    found = re.match(r"([^:：=]*[:：=])(.*)", line)
    for lead, listed in (("", line), *([(found[1], found[2])] if found else [])):
        parts = [part.strip(CLOSES).casefold() for part in listed.split(",")]
        if all(part in by_name for part in parts):
            others = partial(names_a_choice, choices, lead)
            fits = _stands(_Reading(line, lists, others, others, may_be_sentence=False), lead)
            return [by_name[part] for part in parts] if fits else None
    return None


def _stands(reading: _Reading, before: str) -> bool:
    """Whether a verdict stands in its line as one, behind what is `before` it."""
    before = without_lists(before, reading.lists)
    lead = before.rstrip(OPENS)
    if not lead:
        return True
    is_apart = before[len(lead) : len(lead) + 1].isspace()
    if sign := _SIGN.search(lead) or (_DASH.search(lead) if is_apart else None):
        said, label = sentences_of(lead[: sign.start()])
        return _is_said(reading, said) and _leads(reading, label, is_alone=not said)
    if is_apart and lead.casefold().endswith(" is"):
        said, label = sentences_of(lead[:-3])
        label = without_scale(label, reading.lists)
        fits = is_subject(label, reading.in_label, is_description=reading.is_description)
        return fits and _is_said(reading, said)
    ended = _SENTENCE.search(before, max(0, len(before) - _NEAR)) if reading.may_be_sentence else None
    if not ended or ended[1].casefold() in ABBREVIATIONS:
        return False
    said, rest = sentences_of(before[: len(before) - len(ended[2] or ended[3] or "")] + " ")
    return not rest.strip() and _is_said(reading, said)


def _leads(reading: _Reading, label: str, *, is_alone: bool) -> bool:
    """Whether a label leads to the verdict; it may be nothing but the answers that there are, or their scale."""
    label = label.rstrip(OPENS + "?")
    name = without_scale(label, reading.lists)
    if is_alone and (not name if name != label else reading.may_be_sentence and reading.lists(label)):
        return True
    return is_label(name, reading.in_label, is_alone=is_alone, is_question=reading.is_question)


def _is_said(reading: _Reading, said: Sequence[str]) -> bool:
    """Whether the sentences before a verdict give no other one, and nothing in them is left open behind which it stands."""
    if len(said) == 1 and reading.lists(said[0].strip()):  # “True or False?”
        return True
    if any(map(reading.in_sentence, said)) or _is_quoted("".join(said), reading.line):
        return False
    reported, _, _ = "".join(said).casefold().rpartition(":")
    return REPORTS.search(reported) is None


def _is_quoted(before: str, line: str) -> bool:
    """Whether a quotation that began before the verdict goes on there, unless the whole line is one."""
    whole = line.strip(CLOSES.translate(_NO_QUOTES))
    if whole[:1] in _QUOTES and whole[-1:] in _QUOTES:
        before = before.replace(whole[0], "", 1)
    opened = _SINGLE.search(before)
    if opened and opened.start() and re.search("['’]", line[len(line.rstrip(CLOSES)) :]):
        return True
    return (
        before.count('"') % 2 == 1
        or before.count("`") % 2 == 1
        or any(before.count(begin) > before.count(end) for begin, end in _PAIRS)
    )


def _is_introduced(above: str) -> bool:
    """Whether nothing before the line says that it is somebody else's, or none."""
    last = above.rstrip(" \t\n\r*_`").rpartition("\n")[2]
    if not last.endswith((":", "：")):
        return True
    said, label = sentences_of(last[-LONGEST_LABEL:])
    return is_introduction(plain_of(label.rstrip(":：")), is_alone=not said)
