"""Verdicts that a judge's reply gives before its last line: where they say something else, one of the two is quoted."""

import re
from collections.abc import Sequence

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import OPENS, undressed
from app.evaluators.kinds.verdict_labels import name_of, sentences_of
from app.evaluators.kinds.verdict_scales import WORDS, lists_answers, number_of, without_lists

_LABELLED = re.compile(
    r"^(?![ \t]*>)(?=[^\n:：=]{0,80}(?:verdict|judg|score|rating|grade|final|overall))([^\n:：=]{1,80})[:：=]([^\n]{1,300})",
    re.MULTILINE | re.IGNORECASE,
)
_LABEL = re.compile(r"([^:：=]{1,300})[:：=]")
_OR = r"(?![\s*_`\"'“”)]*(?:/|\||\?|,? ?or\b))"
"""Behind a verdict that is one of several to choose from."""
_WORD = re.compile(rf"(?:{'|'.join(WORDS)})\b{_OR}", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?![\d\w])(?!\s*(?:[-–—]|to\b|or\b)\s*\d)", re.ASCII)


def is_contradicted(options: AnswerOptions, line: str, found: object, above: str) -> bool:
    """Whether an earlier line gives another verdict by a name such as “Verdict:” or “Score:”.

    A last line that calls its verdict the final or overall one may come behind several different ones: each was of a criterion.
    """
    given: dict[str, list[object]] = {"own": [], "final": []}
    for one in _LABELLED.finditer(above):
        name = name_of(_bare(options, one[1]))
        value = _begins(options, undressed(one[2]).lstrip(OPENS)) if name else None
        if name and value is not None:
            given[name].append(value)
    if _name(options, line) != "final":
        return any(value != found for value in (*given["own"], *given["final"]))
    differ = any(value != given["own"][0] for value in given["own"])
    return any(value != found for value in given["final"]) or (
        not differ and any(value != found for value in given["own"])
    )


def _bare(options: AnswerOptions, label: str) -> str:
    return without_lists(label, lambda text: lists_answers(options, text))


def _name(options: AnswerOptions, line: str) -> str | None:
    _, last = sentences_of(line)
    label = _LABEL.match(last)
    return name_of(_bare(options, label[1])) if label else None


def _begins(options: AnswerOptions, text: str) -> object | None:
    """The verdict that a text begins with; None where it begins with none, or with several to choose from."""
    match options.answers:
        case "boolean":
            word = _WORD.match(text)
            return WORDS[word[0].casefold()] if word else None
        case "number":
            number = _NUMBER.match(text)
            return number_of(number[0]) if number else None
        case "select":
            return _choice(options.choices, text)
        case _:
            chosen = [part.strip(OPENS + ".").casefold() for part in text.split(",")]
            by_name = {one.casefold(): one for one in options.choices}
            return [by_name[part] for part in chosen] if all(part in by_name for part in chosen) else None


def _choice(choices: Sequence[str], text: str) -> str | None:
    folded = text.casefold()
    for one in sorted(choices, key=len, reverse=True):
        if folded.startswith(one.casefold()) and re.match(
            rf"(?!\w){_OR}", folded[len(one.casefold()) :][:40]
        ):
            return one
    return None
