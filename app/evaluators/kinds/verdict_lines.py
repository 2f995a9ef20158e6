"""One line of a judge's reply: a verdict alone, or behind a name that verdicts have or that the prompt asks for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import undressed
from app.evaluators.kinds.verdict_values import QUOTES, agrees_with, is_list_of_answers, value_of

LONGEST_LINE = 2_000
_NOUNS = (
    "verdict|judge?ment|answers?|score|rating|grade|result|status|outcome|decision|conclusion|assessment|evaluation|classification|"
    "categor(?:y|ies)|labels?|choices?|tags?|winner|preference|(?:better|best|preferred|selected|chosen) (?:response|answer|option|assistant|output|model)|"
    "结论|判断|判定|答案|评分|分数|评级|urteil|bewertung|antwort|ergebnis|réponse|veredicto|respuesta|puntuación|calificación"
)
_NOUN = re.compile(rf"(?<![^\W_])(?:{_NOUNS})(?![^\W_])")
_USUAL = re.compile(
    r"(?:(?:so|thus|hence|therefore|finally|in conclusion|based on this),? |here is |here['’]s )?(?:(?:the|my|our) )?"
    rf"(?:(?:(final|overall) |applicable |selected )?(?:quality )?({_NOUNS})|(final|overall))"
)
_NAMED = re.compile(r"([^:：=]{1,80}?)(?: is| are)? ?[:：=] ?(\S.*)")
_IS = re.compile(r"(.{1,80}?) (?:is|are) (\S.*)")
_TAGGED = re.compile(r"<(\w{1,30})>(.{1,1900})</(\w{1,30})>")
_BRACKETED = re.compile(r"\[(\w{1,30})\]:? (\S.*)")
BULLET = re.compile(r"(?:[-–—•+*◦▪●☑🔹]|\d{1,3}[.)]|\(\d{1,3}\)|[a-z]\))\s+")
SYMBOL = re.compile(r"([✅✓✔👍🟢❌✗✘👎🔴📊🏆👉⭐📝🎯🔍⚖💡📌🏁🥇])\s{0,3}")
_STEP = re.compile(r"step \d{1,2} ?[:.–—-] ?", re.IGNORECASE)
HEADING = re.compile(r"#{1,6}\s+")
_IN_PARENTHESES = re.compile(r" ?[(\[]([^()\[\]]{1,200})[)\]]")
_BESIDE = re.compile("confiden|certain|^max|^min|passing|limit|threshold")
_REASONS = re.compile(
    r"reason(?:s|ing)?|rationale|explanation|justification|feedback|critique|thoughts?|analysis|evaluation"
)
_PLACEHOLDER = re.compile(r"\{[{%]")
_SHOWN_BY = 80
"""Characters before a placeholder in which it is said what it shows."""
_ASKS = re.compile(
    rf"\b(?:an?|your|which|one|right|best) (?:\w{{1,30}} )?(?:{_NOUNS})\b|"
    r"\b(?:assign|choose|decide|determine|give|output|pick|predict|provide|return|say|select|state|write) (?:on )?the "
    rf"(?:\w{{1,30}} )?(?:{_NOUNS})\b|"
    rf"\A\W{{0,12}}(?:{_NOUNS})(?= (?:the|this|these|that|it|with|as|each|yes|whether|how)\b)"
)
"""A name in what a prompt asks for: “Give a score to this: …”, “Choose the category of …”, “Grade the response: …”."""
_OF_JUDGES = frozenset(("verdict", "judgment", "judgement", "score", "rating", "grade"))
_FAR = re.compile(r"\W(?:\w+\W+){2}\w+\Z")
"""More than two words up to a placeholder: the judge's own words are far from what is judged, unless they show it."""
_ENDS = re.compile(r"\b(?:last|final) line\b|\bend (?:with|by|in)\b", re.IGNORECASE)
_AROUND_SHOWN = " \t\r\n\"'`*_<>:：-=~#"
_OPENING = re.compile(
    r"(?:\s*+(?:`{3,}+\w*+|~{3,}+\w*+|<\w{1,30}>|\[\w{1,30}\]|(?<![^\n])\d{1,3}[.)]|\{%[^%]{0,80}%\}))++\s*+\Z"
)
"""What opens a block in which something is shown."""
_SENTENCE = re.compile(r"[\n.?!]")
_SLOT = re.compile(r"^[\W\d_]{0,12}([^\W\d_][^:：\n\"'“‘`?.!]{0,60})[:：](.{0,200})", re.MULTILINE)
_QUOTED_SLOT = re.compile(r"[\"'“‘`]([^\W\d_][^:：\"'“‘`\n]{0,60})[:：]([^\"'”’`\n]{0,80})[\"'”’`]")
_TAG_SLOT = re.compile(r"<(\w{1,30})>([^<>\n]{0,80})</\1>")
_ANY_SLOT = re.compile(r"<.+>|\[.+\]|\(.+\)|\{.+\}|_{2,}|…|\.{3}")
_OF_NUMBERS = re.compile(r"\b(?:number|integer|digit)\b|\d ?(?:[-–]|to) ?\d")
_OF_YES_OR_NO = re.compile(r"\b(?:yes|true|pass)\W{0,4}(?:/|\bor\b|,)\W{0,4}(?:no|false|fail)\b")

Standing = Literal["alone", "final", "usual", "asked", "strange"]
"""How a verdict is called: not at all, the final or overall one, by a usual name, by the prompt's own, by another."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the prompt says of names."""

    asked: str | None
    """The one that it asks to answer by, if it is one alone."""
    shown: frozenset[str]
    """Those by which it shows what is judged: a judge that repeats it gives no verdict."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says: `value` is the verdict that stands behind its name, or that it is; None where there is no legal one."""

    standing: Standing
    noun: str = ""
    value: object | None = None
    rest: str = ""
    """All that stands behind the name; nothing of a heading."""


def names_of(options: AnswerOptions, prompt: str) -> Names:
    """The names in the text of a prompt, in which placeholders stand for what is judged."""
    shown = set[str]()
    for placeholder in _PLACEHOLDER.finditer(prompt):
        opened = prompt[max(0, placeholder.start() - _SHOWN_BY) : placeholder.start()]
        before = opened.rstrip(_AROUND_SHOWN)
        is_below = (
            "\n" in prompt[placeholder.start() - 2 : placeholder.start()]
            if placeholder.start() > 1
            else False
        )
        if is_below and _SLOT.fullmatch(before.rpartition("\n")[2]):
            continue  # a line to fill in
        for text in (before, _OPENING.sub("", opened).rstrip(_AROUND_SHOWN)):
            said = re.split(r"[\n.?!{}]", text)[-1].casefold()
            shown.update(_nouns_that_show(_ASKS.sub(" ", said)))
    typed, other, filled = set[str](), set[str](), set[str]()
    for said, wanted in (
        *_SLOT.findall(prompt),
        *_QUOTED_SLOT.findall(prompt),
        *_TAG_SLOT.findall(prompt),
    ):
        name, has_scale = _name_and_scale(options, said.replace("*", ""))
        if _PLACEHOLDER.search(wanted):
            filled.add(name)
        elif has_scale or _is_slot(options, undressed(wanted)):
            typed.add(name)
        elif not wanted or _ANY_SLOT.fullmatch(undressed(wanted).strip()):
            other.add(name)
    asked = [
        name
        for name in (typed or {name for name in other if name.rstrip("s") not in shown}) - filled
        if not (_BESIDE.search(name) or _REASONS.fullmatch(name))
    ]
    if len(asked) == 1 and (end := _ENDS.search(prompt)):
        sentence = _SENTENCE.split(prompt[: end.start()])[-1] + _SENTENCE.split(prompt[end.start() :])[0]
        if asked[0] not in sentence.replace("_", " ").casefold():
            asked = []  # the verdict has no name, and this one is of something beside it
    return Names(asked[0] if len(asked) == 1 else None, frozenset(shown))


def _nouns_that_show(said: str) -> Iterator[str]:
    """The nouns of verdicts in what stands before a placeholder, but those that are far from it and of judges alone."""
    for found in _NOUN.finditer(said):
        noun = found[0].rstrip("s")
        if noun not in _OF_JUDGES or not _FAR.match(said, found.end()):
            yield noun


def _is_slot(options: AnswerOptions, wanted: str) -> bool:
    """Whether what follows a name in the prompt says which answers there are: “yes or no”, “<number>”, “low”."""
    wanted = wanted.strip(" <>()[]{}_*.\"'`").casefold()
    if is_list_of_answers(options, wanted) or value_of(options, wanted, is_named=True) is not None:
        return bool(wanted)
    match options.answers:
        case "boolean":
            return _OF_YES_OR_NO.search(wanted) is not None
        case "number":
            return _OF_NUMBERS.search(wanted) is not None
        case _:
            return False


def read_line(options: AnswerOptions, text: str, names: Names, *, is_quiet: bool = False) -> Line:
    """What a line says. Quotes around a verdict without a name are no part of it where nothing else is said (`is_quiet`)."""
    if len(text) > LONGEST_LINE or undressed(text).endswith((":", "：")):
        return Line("alone")
    text = without(HEADING, text)
    is_plain = not any("*" in one or one.strip("_") != one for one in options.choices)
    forms = [text, undressed(text)] if is_plain else [text]
    for form in forms:
        if (value := value_of(options, form, is_named=is_quiet)) is not None:
            return Line("alone", value=value)
    for form in forms:
        bare = without(BULLET, without(BULLET, form))
        mark = SYMBOL.match(bare)
        said = _said(options, without(_STEP, bare[mark.end() :] if mark else bare), names)
        if mark and not agrees_with(options, mark[1], said.value):
            return Line("strange")
        if said.value is not None:
            return said
    return said


def without(mark: re.Pattern[str], text: str) -> str:
    """A text without a mark at its beginning: what stands further on may be a minus."""
    found = mark.match(text)
    return text[found.end() :] if found else text


def _said(options: AnswerOptions, bare: str, names: Names) -> Line:
    found = [form.fullmatch(bare) for form in (_TAGGED, _BRACKETED, _NAMED, _IS)]
    if found[0] and found[0][1].casefold() != found[0][3].casefold():
        found[0] = None
    strange = Line("strange")
    for each in filter(None, found):
        called = name_in(options, each[1], names)
        value = value_of(options, each[2], is_named=True)
        if called.standing != "strange":
            return Line(called.standing, called.noun, value, each[2])
        if strange.value is None:
            strange = Line("strange", called.noun, value, each[2])
    return strange


def name_in(options: AnswerOptions, text: str, names: Names) -> Line:
    """How a text calls what comes behind or below it."""
    for mark in (HEADING, BULLET, SYMBOL, _STEP):
        text = undressed(without(mark, text))
    name, _ = _name_and_scale(options, text)
    if is_list_of_answers(options, name):
        return Line("usual")
    usual = _USUAL.fullmatch(name)
    if usual and " " in (usual[2] or "") and options.answers != "select":
        usual = None  # “Best answer: No”
    if usual and (usual[2] or "").rstrip("s") not in names.shown:
        return Line("final" if usual[1] or usual[3] else "usual", usual[2] or usual[3])
    return Line("asked" if name == names.asked else "strange", name)


def _name_and_scale(options: AnswerOptions, text: str) -> tuple[str, bool]:
    """A name in small letters, without the scale that is said behind it, and whether there was one."""
    name, count = _IN_PARENTHESES.subn(
        lambda one: "" if is_list_of_answers(options, one[1]) else one[0], text
    )
    plain = name.strip(" :：").replace("_", " ").casefold()
    plain = plain[1:-1] if plain[:1] + plain[-1:] in ("``", *QUOTES) else plain
    for ending in (" is as follows", " as follows", " is"):
        plain = plain.removesuffix(ending)
    return " ".join(plain.split()), bool(count and name != text)
