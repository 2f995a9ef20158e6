"""Verdicts as judges write them: “True”, “4/5”, “partly right”. A text is a verdict as a whole, or none."""

import re
from collections.abc import Sequence
from functools import lru_cache

from app.evaluators.kinds.answering import AnswerOptions

WORDS = {"true": True, "yes": True, "pass": True, "passed": True,
         "false": False, "no": False, "fail": False, "failed": False}  # fmt: skip
_STOPS = (".", "。", "．", "｡", "।", "!", "！")
QUOTES = ('""', "“”", "‘’", "''", "«»", "「」", "『』")
_AROUND = ("``", "【】", *QUOTES, "()", "[]")
"""Around a verdict that a name stands before, and no part of it. Without one, who quotes may say what another said."""
_NUMBER = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})(?:e[+-]?\d{1,3})?)"
    r"(?:(?: ?/ ?| (?:out )?of )(\d[\d.]{0,9})| \((?:out of |/ ?|max(?:imum|\.)?:? )(\d[\d.]{0,9})\)| ?(%))?(?: ?⭐| (?:points?|stars?))?",
    re.IGNORECASE | re.ASCII,
)
_STARS = re.compile(r"⭐|stars?$", re.IGNORECASE)
_BOX = re.compile(
    r"(?:\$\$?|\\\(|\\\[)? ?\\boxed\{ ?(?:\\text(?:bf|it|rm|tt|sf|up|md)?\{)?([^{}\\]{1,200})\}{1,2} ?(?:\$\$?|\\\)|\\\])?"
)
_THING = re.compile(r"(?:response|answer|option|assistant|output|candidate|choice|model) ", re.IGNORECASE)
_LONGEST_CODE = 2
"""Characters of a choice that is a code such as “A”, of which a judge may say “Response A”."""
_GOOD_MARKS = "✅✓✔👍🟢"
_MARKS = _GOOD_MARKS + "❌✗✘👎🔴"
"""That may stand beside a yes or no that they agree with."""
_AND = re.compile(r" ?(?:[,;，、]|&|\band\b) ?(?:and\b ?)?")
_LONGEST_LIST = 300
_OR = re.compile(r" ?(?:/|\||,|\bor\b) ?(?:or\b ?)?")
_RANGE = re.compile(r"(?:(?:from|between) )?(-?\d[\d.]*) ?(?:[-–—]|to|and) ?(-?\d[\d.]*)")
_END = re.compile(r"(?:(?:out )?of |/ ?|max(?:imum|\.)?:? )(\d[\d.]*)")


def value_of(options: AnswerOptions, text: str, *, is_named: bool) -> object | None:
    """The verdict that a text is; None where it is none, or more than one.

    Around one that `is_named`, as by “Verdict:”, quotes and brackets may stand.
    """
    text = text.strip()
    for form in (text, _bare(text, is_named=is_named)):
        if (value := _exact(options, form, is_named=is_named)) is not None:
            return value
    signs = {one in _GOOD_MARKS for one in text if one in _MARKS}
    if options.answers not in ("boolean", "select") or len(signs) != 1:
        return None
    value = _exact(options, _bare(text.strip(f"{_MARKS} "), is_named=is_named), is_named=is_named)
    return value if all(agrees_with(options, one, value) for one in text if one in _MARKS) else None


def agrees_with(options: AnswerOptions, mark: str, value: object) -> bool:
    """Whether a mark that stands beside a yes or no, or a choice, says the same; any other says nothing.

    Nor does any where a no is the good answer (“✅ No” to errors), or nobody knows whether a choice is a good one.
    """
    if mark not in _MARKS or value is None or options.answers not in ("boolean", "select"):
        return True
    is_good = _is_good(options, value)
    return is_good is None or is_good is (mark in _GOOD_MARKS)


def _is_good(options: AnswerOptions, value: object) -> bool | None:
    """Whether a yes or no, or a choice, is a good answer; None where nobody said so."""
    if options.answers == "boolean":
        return None if options.wanted == "lower" else value is True
    if value in options.good or value in options.bad:
        return value in options.good
    if options.good or options.bad:
        return None if options.good and options.bad else bool(options.bad)
    return {**WORDS, "correct": True, "incorrect": False}.get(str(value).casefold())


def _bare(text: str, *, is_named: bool) -> str:
    """A text without one full stop, a box and what quotes it."""
    text = _unstopped(text)
    if boxed := _BOX.fullmatch(text):
        return boxed[1].strip()
    if text.startswith("[[") and text.endswith("]]"):
        return text[2:-2].strip()
    around = _AROUND if is_named else _AROUND[:2]
    if len(text) > 2 and f"{text[0]}{text[-1]}" in around:
        return _unstopped(text[1:-1].strip())
    return text


def _unstopped(text: str) -> str:
    return text[:-1].rstrip() if text.endswith(_STOPS) and not text[:-1].endswith(_STOPS) else text


def _exact(options: AnswerOptions, text: str, *, is_named: bool) -> object | None:
    match options.answers:
        case "boolean":
            return WORDS.get(text.casefold())
        case "number":
            return _number(options, text)
        case "select":
            if len(min(options.choices, key=len)) <= _LONGEST_CODE:
                code = _THING.match(text) if is_named else None
                text = text[code.end() :] if code else text
                text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
            return choice_of(options.choices, text) or choice_of(options.choices, _of_top(options, text))
        case _:
            return chosen_in(options.choices, text)


def _number(options: AnswerOptions, text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    top = found[2] or found[3] or ("100" if found[4] else None)
    if not top and _STARS.search(text) and options.highest is not None:
        top = "5"  # as many as there are stars, unless somebody says so
    if top and (options.highest is None or float_of(top) != options.highest):
        return None
    return float_of(found[1])


def _of_top(options: AnswerOptions, text: str) -> str:
    """The “4” of “4/5” where choices are numbers, and 5 the largest one."""
    numbers = [float_of(one) for one in options.choices]
    found = _NUMBER.fullmatch(text)
    if found is None or not found[2] or None in numbers:
        return ""
    return found[1] if float_of(found[2]) == max(each for each in numbers if each is not None) else ""


def choice_of(choices: Sequence[str], text: str) -> str | None:
    """The choice that a text is; in other letters, large or small, if it is that of one choice alone."""
    if text and text in choices:
        return text
    same = [one for one in choices if one and one.casefold() == text.casefold()]
    return same[0] if len(same) == 1 else None


def chosen_in(choices: Sequence[str], text: str) -> list[str] | None:
    """The choices that a text lists, or none of them where it says so; None where it has anything else."""
    text = text.strip().casefold()
    if text in ("[]", "none") and choice_of(choices, text) is None:
        return []
    text = text[1:-1].strip() if text.startswith("[") and text.endswith("]") else text
    by_form, chosen = _forms(tuple(choices)), list[str]()
    while text:
        found = next((form for form in by_form if text.startswith(form)), None)
        if found is None:
            return None
        chosen.append(by_form[found])
        text = text[len(found) :]
        joint = _AND.match(text)
        if (text and joint is None) or (joint and joint.end() == len(text)):
            return None
        text = text[joint.end() :] if joint else ""
    return chosen or None


@lru_cache(maxsize=256)
def _forms(choices: Sequence[str]) -> dict[str, str]:
    """How choices are written in a list, the longest first."""
    quotes = ("", "``", *QUOTES)
    forms = {f"{each[:1]}{one.casefold()}{each[1:]}": one for one in choices if one for each in quotes}
    return dict(sorted(forms.items(), key=lambda each: -len(each[0])))


def is_list_of_answers(options: AnswerOptions, text: str) -> bool:
    """Whether a text only names the answers that there are, such as “True/False”, or the evaluator's own scale."""
    text = text.strip(" \t\"'“”?.").casefold()
    if len(text) > _LONGEST_LIST:
        return False
    if options.answers == "number":
        if found := _RANGE.fullmatch(text):
            return (float_of(found[1]), float_of(found[2])) == (options.lowest, options.highest)
        ends = _END.fullmatch(text)
        return ends is not None and float_of(ends[1]) == options.highest
    parts = [part.strip(" \t\"'“”`") for part in _OR.split(text)]
    if options.answers == "boolean":
        return {WORDS.get(part) for part in parts} == {True, False}
    return len(parts) > 1 and set(parts) <= {one.casefold() for one in options.choices}


def float_of(text: str) -> float | None:
    """The number that is written so; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None
