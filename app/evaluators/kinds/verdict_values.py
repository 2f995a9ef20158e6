"""Verdicts as judges write them: “True”, “4/5”, “partly right (it lacks a date)”. What is not understood whole is none."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import CLOSES, OPENS

WORDS = {"true": True, "yes": True, "pass": True, "passed": True,
         "false": False, "no": False, "fail": False, "failed": False}  # fmt: skip
_WORD = re.compile(r"(true|false|yes|no|pass(?:ed)?|fail(?:ed)?)\b(?!['’]\w)", re.IGNORECASE)
_SAID = re.compile(
    r"\b(?:true|false|yes|pass(?:ed|es)?|fail(?:ed|s)?)\b|\bno\b(?! [a-z])|\b(?:in)?correct\b", re.IGNORECASE
)
"""But not the “no” of “no errors”."""
_NUMBER = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})(?:e[+-]?\d{1,3})?)(?:\s?/\s?(\d[\d.]{0,9})|\s(?:out )?of (\d[\d.]{0,9}))?"
    r"(?![\w%]|[.,][\w%])(?: (?:points?|stars?)\b)?",
    re.IGNORECASE | re.ASCII,
)
_COUNT = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|twenty|hundred|thousand)\b", re.IGNORECASE
)
_RATES = re.compile(
    r"\b(?:scor\w*|rat(?:e|es|ed|ing|ings)|grad(?:e|es|ed|ing)|marks?|points?|stars?|giv\w*|gave|deserv\w*|earn\w*|worth|scale|"
    r"max|maximum|min|minimum|out of)\b|[/=%≥≤<>]",
    re.IGNORECASE,
)
_BARE_COUNT = re.compile(r"(?:^|[.!?]\s)\s?\d[\d.]*[\s.!?]*(?:\s|$)")
_THING = re.compile(
    r"(?:the )?(?:response|answer|option|assistant|output|candidate|choice|model)\s", re.IGNORECASE
)
_AND = re.compile(r" ?(?:[,;&，、]|\band\b) ?(?:and\b ?)?")
_REASON = re.compile(
    r" ?\(([^()]{1,1000})\)| [-–—]{1,2} (.{1,2000})|[,.;] (.{1,2000})| ((?:because|since|as)\b.{1,2000})"
)
_GOES_ON = re.compile(
    r"(?:and|or|if|unless|but|not|never|only|to|until|no longer|actually|wait|less|minus|plus|partially|partly|mostly|hardly|barely|"
    r"almost|nearly|except|however|though|although|albeit|out of|of|had|were|provided|once|when|no|loses?|lost|rather|instead|the opposite|in part|in name|in spirit|sort of|kind of|more or less|with|before|after|deduct\w*)\b",
    re.IGNORECASE,
)
REPORTS = re.compile(
    r"\b(?:says?|said|saying|asks?|asked|asking|tells?|told|wants?|claims?|writes?|wrote|ends?|ending|outputs?|answers|answered|"
    r"repl(?:y|ies|ied)|insists?|pretends?|demands?|orders?|instruct\w*|inject\w*|request\w*|respond\w*|finish\w*|if|unless|would|"
    r"should)\b"
)
"""Of somebody else who says something, or of what is not the case."""
_LEANS = re.compile(r"\s?(?:[,.;!]|[-–—]{1,2}\s|(?:because|since|as|for)\b)")
"""A reason that begins so takes the verdict back, or gives another one."""
_LONGEST_CODE = 2
"""Characters of a choice that is a code such as “A”: what follows it behind a dash may be what the code stands for."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """There is something like a verdict, and it is not understood whole."""

    leans: object = None
    """The verdict that it begins with, as in “False, because …”; None where it may be the beginning of any sentence."""


UNCLEAR = Unclear()


def value_of(options: AnswerOptions, text: str, *, is_named: bool) -> object | Unclear | None:
    """The verdict that a text is, with a reason behind it or not; None where it does not begin with one.

    A verdict that `is_named`, as by “Verdict:”, may be followed by more than one that stands alone.
    """
    text = text.strip().lstrip(OPENS)
    match options.answers:
        case "boolean":
            word = _WORD.match(text)
            return (
                None
                if word is None
                else _if_whole(
                    WORDS[word[1].casefold()], text[word.end() :], names_another(options), is_named
                )
            )
        case "number":
            return _number(options, text, is_named=is_named)
        case "select":
            return _choice(options, text, is_named=is_named)
        case _:
            return _chosen(options, text)


def names_another(options: AnswerOptions) -> Callable[[str], bool]:
    """Says of a text whether it holds what may be a verdict."""
    match options.answers:
        case "boolean":
            return lambda text: _SAID.search(text) is not None
        case "number":
            return lambda text: _COUNT.search(text) is not None
        case _:
            alone, longer = _choices_in(options.choices)
            return lambda text: bool(alone.search(text) or longer.search(text.casefold()))


@lru_cache(maxsize=256)
def _choices_in(choices: Sequence[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Find one of the choices of one letter, and one of the longer ones in small letters. Not every “a” is an A."""
    letters = [re.escape(one) for one in choices if len(one) == 1]
    names = [re.escape(one.casefold()) for one in choices if len(one) > 1]
    alone, longer = (rf"(?<!\w)(?:{'|'.join(each) or '(?!)'})(?!\w)" for each in (letters, names))
    return re.compile(alone), re.compile(longer)


def rates(text: str) -> bool:
    """Whether a text may give a rating: it has a number, and a word of ratings or nothing else."""
    return bool(_COUNT.search(text) and (_RATES.search(text) or _BARE_COUNT.search(text)))


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
    parts = [part.strip(" \t\"'“”") for part in _OR.split(text)]
    if options.answers == "boolean":
        return {WORDS.get(part) for part in parts} == {True, False}
    return len(parts) > 1 and set(parts) <= {one.casefold() for one in options.choices}


_LONGEST_LIST = 300
_OR = re.compile(r" ?(?:/|\||,|\bor\b) ?(?:or\b ?)?")
_RANGE = re.compile(
    r"(?:(?:on|in) )?(?:(?:an?|the) )?(?:(?:scale|range) )?(?:(?:of|from|between) )?(-?\d[\d.]*) ?(?:[-–—]|to|and|through) ?(-?\d[\d.]*)"
)
_END = re.compile(r"(?:(?:out )?of |/ ?|max(?:imum|\.)?:? )(\d[\d.]*)")


def float_of(text: str) -> float | None:
    """The number that is written so; None where it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def _if_whole(
    value: object, rest: str, others: Callable[[str], bool], is_named: bool, *, may_explain: bool = True
) -> object:
    """The value, unless what follows it is more than a reason."""
    if not rest.strip(CLOSES):
        return value if "?" not in rest else UNCLEAR
    unclear = Unclear(value) if _LEANS.match(rest) else UNCLEAR
    reason = _REASON.match(rest)
    if reason is None or "?" in rest:
        return unclear
    in_parentheses, behind_dash, *behind = reason.groups()
    if in_parentheses is None and not is_named and not (may_explain and behind_dash):
        return unclear
    if in_parentheses is not None and rest[reason.end() :].strip(CLOSES):
        return unclear
    said = next(filter(None, (in_parentheses, behind_dash, *behind)), "").strip(OPENS)
    return unclear if _GOES_ON.match(said) or REPORTS.search(said.casefold()) or others(said) else value


def _number(options: AnswerOptions, text: str, *, is_named: bool) -> object | Unclear | None:
    found = _NUMBER.match(text)
    if found is None:
        return UNCLEAR if text[:1].isdigit() or (is_named and _COUNT.match(text)) else None
    top = found[2] or found[3]
    if top and float_of(top.rstrip(".")) != options.highest:
        return UNCLEAR
    rest = text[found.end() :]
    scale = _PARENTHESES.match(rest)
    if scale and is_list_of_answers(options, scale[1]):
        rest = rest[scale.end() :]
    return _if_whole(float_of(found[1]), rest, names_another(options), is_named, may_explain=False)


_PARENTHESES = re.compile(r"\s?\(([^()]{1,200})\)")


def _choice(options: AnswerOptions, text: str, *, is_named: bool) -> object | Unclear | None:
    thing = _THING.match(text)
    if is_named and thing and len(min(options.choices, key=len)) <= _LONGEST_CODE:  # “Response B”
        text = text[thing.end() :]
    folded = text.casefold()
    for one in sorted(options.choices, key=len, reverse=True):
        last = one.casefold()
        rest = folded[len(last) :]
        if last and folded.startswith(last) and not re.match(r"[\w+#/'’-]", rest):
            others = [each for each in options.choices if each != one]
            named = names_another(options.model_copy(update={"choices": tuple(others)}))
            explains = len(last) > _LONGEST_CODE and not last[-1].isdigit()
            return _if_whole(one, text[len(last) :], named, is_named, may_explain=explains)
    return None


def _chosen(options: AnswerOptions, text: str) -> object | Unclear | None:
    """The choices that a text lists."""
    by_name = sorted(
        ((one.casefold(), one) for one in options.choices if one), key=lambda each: -len(each[0])
    )
    rest, chosen = text.casefold().strip(CLOSES), list[str]()
    while rest:
        found = next(
            (
                each
                for each in by_name
                if rest.startswith(each[0]) and not re.match(r"\w", rest[len(each[0]) :])
            ),
            None,
        )
        if found is None:
            return UNCLEAR if chosen else None
        chosen.append(found[1])
        rest = rest[len(found[0]) :].lstrip("\"'“”’")
        joint = _AND.match(rest)
        if rest and joint is None:
            return UNCLEAR
        rest = rest[joint.end() :].lstrip(OPENS) if joint else ""
    return chosen or None
