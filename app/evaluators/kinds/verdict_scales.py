"""What else a line of a judge's reply may name beside its verdict: other verdicts and numbers, or the answers that there are."""

import re
from collections.abc import Iterable, Sequence

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.verdict_labels import DENIES, LONGEST_LABEL, REPORTS, Others

WORDS = {"true": True, "yes": True, "pass": True, "false": False, "no": False, "fail": False}
_WORD = re.compile(r"\b(?:(?:true|false|yes|pass|fail)\b|no\b(?! [a-z]))", re.IGNORECASE)
"""But not the “no” of “no errors”."""
_BEGINS = re.compile(r"[,.!]\s")
_BEFORE = 30
"""Characters before a word in which its denial stands."""
_DENIED = re.compile(r"(?:\b(?:not|never|cannot)|n['’]t) (?:at all |really |be |an? )?$", re.IGNORECASE)
_OF_A_SCALE = re.compile(
    r"\b(?:max|maximum|min|minimum|best|worst|highest|lowest|most|least|scale|range|limit|threshold|possible|top|between|out|"
    r"perfect)\b|\d",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"(?<![\w-])(?!(?:score|rating|grade|mark)s?\b)[a-z][a-z+]*-?\d+(?:\.\d+)?[a-z]?(?![\w.-])|"
    r"\b(?:criterion|question|item|part|step|aspect|dimension|rule|requirement|section|metric|task|check|claim|statement|test)"
    r" #?\d+(?![\w.,-])",
    re.IGNORECASE,
)
"""Numbers that are part of a name: “GPT-4”, “criterion 1”."""
_RATES = re.compile(
    r"\b(?:scor\w*|rat(?:e|es|ed|ing|ings)|grad(?:e|es|ed|ing)|marks?|points?|stars?|giv\w*|gave|deserv\w*|earn\w*|worth|verdict|"
    r"scale|max|maximum|min|minimum|limit|threshold|between|at (?:best|most|least)|out of)\b|[/=%≥≤<>]",
    re.IGNORECASE,
)
_COUNT = re.compile(r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten)\b", re.IGNORECASE)
_BARE_COUNT = re.compile(r"(?:^|[.!?]\s)[\s*_`]*\d[\d.]*[\s*_`.!?]*(?:\s|$)")
_PARENTHESIS = re.compile(r" ?[(\[]([^()\[\]]{1,200})[)\]]")
_CLAUSE = re.compile(r"[\s,]+((?:on|in|from|between|out of|of)\s[^,:()]{1,60})$", re.IGNORECASE)
_ON_A_SCALE = re.compile(r"[\s*_`]*(on [^,:()]{1,60})(?:,|$)", re.IGNORECASE)
_RANGE = re.compile(
    r"(?:(?:on|in) )?(?:(?:an?|the) )?(?:(?:scale|range) )?(?:(?:of|from|between) )?(-?\d[\d.]*) ?(?:[-–—]|to|and|through) ?(-?\d[\d.]*)",
    re.IGNORECASE,
)
_END = re.compile(r"(?:(?:out )?of |/ ?|max(?:imum|\.)?:? )(\d[\d.]*)", re.IGNORECASE)
_OR = re.compile(r"\s*(?:/|\||,|\bor\b)\s*(?:or\b\s*)?", re.IGNORECASE)


def lists_answers(options: AnswerOptions, text: str) -> bool:
    """Whether a text only names the answers that there are, such as “True/False”, or the evaluator's own scale."""
    text = text.strip(" \t*_`\"'“”?").casefold()
    if len(text) > LONGEST_LABEL:
        return False
    if options.answers == "number":
        if found := _RANGE.fullmatch(text):
            return (number_of(found[1]), number_of(found[2])) == (options.lowest, options.highest)
        ends = _END.fullmatch(text)
        return ends is not None and number_of(ends[1]) == options.highest
    parts = [part.strip(" \t*_`\"'“”") for part in _OR.split(text)]
    if options.answers == "boolean":
        return {WORDS.get(part) for part in parts} == {True, False}
    return len(parts) > 1 and set(parts) <= {one.casefold() for one in options.choices}


def number_of(text: str) -> float | None:
    """The number that is written so; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def without_lists(text: str, lists: Others) -> str:
    """A text without the parentheses that only name the answers or the scale."""
    return _PARENTHESIS.sub(lambda found: "" if lists(found[1]) else found[0], text)


def without_scale(label: str, lists: Others) -> str:
    """A label without the words at its end or beginning that only name the scale: “on a scale of 1-5”."""
    if len(label) > LONGEST_LABEL:
        return label
    if (begin := _ON_A_SCALE.match(label)) and lists(begin[1]):
        return label[begin.end() :].lstrip()
    clause = _CLAUSE.search(label)
    return label[: clause.start()] if clause and lists(clause[1]) else label


def names_a_word(text: str) -> bool:
    """Whether a text names a yes or a no."""
    return _WORD.search(text) is not None


def says_another_word(value: bool, sentence: str) -> bool:
    """Whether a sentence gives a yes or a no, unless it begins with the verdict, or only denies the contrary: “It does not fail.”"""
    return any(
        not _BEGINS.match(sentence, one.end()) or sentence[: one.start()].strip()
        if WORDS[one[0].casefold()] is value
        else not _is_denied(sentence, one.start())
        for one in _WORD.finditer(sentence)
    )


def names_a_number(text: str) -> bool:
    """Whether a label speaks of a scale, or has a number that is not part of a name."""
    return _OF_A_SCALE.search(_NAMES.sub("", text)) is not None


def rates(sentence: str) -> bool:
    """Whether a sentence may give a rating: it has a number, and a word of ratings or nothing else."""
    if not _COUNT.search(sentence):
        return False
    return _RATES.search(sentence) is not None or _BARE_COUNT.search(sentence) is not None


def names_a_choice(choices: Iterable[str], line: str, text: str) -> bool:
    """Whether a text, or for a single letter the line that it is of, names one of the choices. Not every “a” is an A."""
    return any(
        _names(one, line) if len(one) == 1 else _names(one.casefold(), text.casefold()) for one in choices
    )


def says_another_choice(others: Sequence[str], value: str, line: str, sentence: str) -> bool:
    """Whether a sentence gives another choice than the verdict, or denies the verdict."""
    folded = sentence.casefold()
    if any(_is_denied(folded, at) for at in _places(value.casefold(), folded) if len(value) > 1):
        return True
    return any(
        _names(one, line)
        if len(one) == 1
        else not all(_is_denied(folded, at) for at in _places(one.casefold(), folded))
        for one in others
    )


def _names(name: str, text: str) -> bool:
    return bool(_places(name, text))


def _places(name: str, text: str) -> list[int]:
    if name not in text:
        return []
    return [one.start() for one in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


def _is_denied(sentence: str, at: int) -> bool:
    """Whether a word is denied just before it, in a sentence that denies nothing else and reports nothing."""
    if not _DENIED.search(sentence[max(0, at - _BEFORE) : at]):
        return False
    folded = sentence.casefold()
    return len(DENIES.findall(folded)) == 1 and not REPORTS.search(folded)
