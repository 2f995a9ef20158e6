"""One line of a judge's reply: what it says by which name. Names are those that verdicts usually have, and those that the
judge was asked to answer by."""

import re
from dataclasses import dataclass
from typing import Literal

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.reply_lines import OPENS, has_tickbox, is_marked, undressed
from app.evaluators.kinds.verdict_values import (
    REPORTS,
    UNCLEAR,
    Unclear,
    is_list_of_answers,
    names_another,
    rates,
    value_of,
)

Standing = Literal["alone", "final", "usual", "asked", "strange"]
"""How a verdict is called: not at all, the final or overall one, by a usual name, by one of the prompt's own, by another."""

LONGEST_LINE = 5_000
_LONGEST_NAME = 80
_NOUNS = (
    "verdict|judge?ment|answer|score|rating|grade|mark|result|status|outcome|decision|conclusion|labels?|choices?|class|category|"
    "categories|classification|assessment|evaluation|winner|preference|"
    "结论|判断|判定|答案|评分|分数|评级|urteil|bewertung|antwort|ergebnis|réponse|veredicto|respuesta|puntuación|calificación"
)
_USUAL = re.compile(
    rf"(?:(?:the|my|our|so|thus|hence|therefore|final|overall|total|finally|in conclusion|quality|evaluation),? )*({_NOUNS})"
)
_OR = re.compile(r"/|\||\bor\b")
_IS_FINAL = re.compile(r"\b(?:final|overall)\b")
_OVERALL = re.compile(r"(?:the |my )?(?:final|overall)")
_NAMED = re.compile(r"([^:：=\n]{1,120}?)\s?(?:\bis)?\s?[:：=](?![=:])\s?(\S.*)")
_POINTED = re.compile(r"(\S.{0,80}?)\s?(?:\s[–—-]{1,3}\s|[-=]>|[→➔➜➡⇒⟶])\s?(\S.*)")
_IS = re.compile(r"([^.:]{1,100}?) is:? (\S.*)")
_RATED = re.compile(r"((?:(?:final|overall|total) )?(?:score|rating|grade)) (\S.*)", re.IGNORECASE)
_ASKS = re.compile(r"([^?]{1,120}\?) (\S.*)")
_LEADS = re.compile(
    r"(?:so|thus|therefore|hence),? |(?:overall|finally|in conclusion|in summary), |(?:based on|given|considering|after) [^,]{1,150}, ",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"<(\w{1,30})>(.{1,4000})</(\w{1,30})>")
_BRACKETED = re.compile(r"\[(\w{1,30})\]:?\s(\S.*)")
_BULLET = re.compile(r"(?:[-–—•+]|#{1,6}|>)\s+|(\d{1,3}[.)]\s+)")
_IN_PARENTHESES = re.compile(r"\s?[(\[]([^()\[\]]{1,200})[)\]]")
_SCALE = re.compile(r"\s(?:on|in|from|between|out of)\s.{1,60}")
_BEFORE_LAST = re.compile(r".*[.!?]\s|.*[。！？।]")
_EXPLAINS = re.compile(
    r"(?:reason(?:ing)?|rationale|explanation|justification|analysis|feedback): ", re.IGNORECASE
)
_BESIDE = re.compile(
    r"confiden|certain|severity|errors?\b|mistake|deduct|penalt|length|count|max|possible|difficulty"
)
"""In a name: of something that stands beside a verdict, and is none."""
_PLAIN = re.compile(r"[^\"“”«»‘「」『』`:：<>=\[\]]*")
_QUOTED = re.compile(r"(?<!\w)'")
_POINTS = re.compile(r"\b(?:below|following|words?)\b")
_ABBREVIATED = re.compile(
    r"\b(?:[a-z]\.[a-z]|vs|st|no|nr|approx|ca|cf|etc|mr|mrs|ms|dr|prof|fig|vol|pp?|sec|eq|ed)\.\s$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. `value` is None where it says nothing that could be a verdict."""

    standing: Standing
    name: str = ""
    value: object | Unclear | None = None


NOTHING = Line("alone")


def read_line(options: AnswerOptions, text: str, asked: str) -> Line:
    """What a line says, if it is understood whole; `asked` is what the judge was asked, without what it was shown."""
    if len(text) > LONGEST_LINE or text.startswith(">"):  # `>` is what Markdown quotes
        return NOTHING
    if options.answers == "multi_select" and (is_marked(text, good=False) or has_tickbox(text)):
        return Line("alone", value=UNCLEAR)
    bare = _without_bullet(options, undressed(text, options.choices))
    found = _read(options, bare, asked)
    if found.value is None or found.standing == "strange":
        found = _behind_sentences(options, bare, asked) or found
    contrary = is_marked(text, good=False) if _is_good(options, found.value) else False
    contrary = contrary or (_is_bad(options, found.value) and is_marked(text, good=True))
    if found.value is not None and (contrary or has_tickbox(text)):
        return Line(found.standing, found.name, UNCLEAR)
    return found


def name_in(options: AnswerOptions, text: str, asked: str) -> Line:
    """How a line calls what comes below it."""
    bare = _without_bullet(options, undressed(text, options.choices)).rstrip(" :：")
    return _called(options, bare, asked)


def _read(options: AnswerOptions, bare: str, asked: str) -> Line:
    leads = _LEADS.match(bare)
    if leads and not _is_doubtful(options, leads[0]):
        bare = bare[leads.end() :]
    value = value_of(options, bare, is_named=False)
    if value is not None and not isinstance(value, Unclear):
        return Line("alone", value=value)
    for form in (_TAGGED, _BRACKETED):
        tagged = form.fullmatch(bare)
        if tagged and (form is _BRACKETED or tagged[1].casefold() == tagged[3].casefold()):
            return _said(options, tagged[1], tagged[2], asked)
    if named := _NAMED.fullmatch(bare):
        return _said(options, named[1], named[2], asked)
    for form in (_POINTED, _IS, _RATED):
        found = form.fullmatch(bare)
        if found and (said := _said(options, found[1], found[2], asked)).standing in ("usual", "final"):
            return said
    if asks := _ASKS.fullmatch(bare):
        return _said(options, asks[1], asks[2], asked)
    return Line("alone", value=value)


def _said(options: AnswerOptions, name: str, text: str, asked: str) -> Line:
    called = _called(options, name, asked)
    if _is_left_open(options, text):
        return called
    value = value_of(options, text, is_named=True)
    if value is None and called.standing in ("usual", "final"):
        value = UNCLEAR
    return Line(called.standing, called.name, value)


def _called(options: AnswerOptions, name: str, asked: str) -> Line:
    plain = " ".join(name.split())
    plain = _IN_PARENTHESES.sub(lambda one: "" if is_list_of_answers(options, one[1]) else one[0], plain)
    scale = _SCALE.search(plain)
    if scale and is_list_of_answers(options, scale[0]):
        plain = plain[: scale.start()]
    plain = plain.strip(OPENS).casefold()
    if not plain or is_list_of_answers(options, plain):
        return Line("alone")
    if usual := _USUAL.fullmatch(plain):
        return Line("final" if _IS_FINAL.search(plain) else "usual", usual[1])
    if _OVERALL.fullmatch(plain):
        return Line("final", plain)
    return Line("asked" if _is_asked(plain, asked) else "strange", plain)


def _is_asked(name: str, asked: str) -> bool:
    """Whether the prompt names something so that is to be answered, as by “Polite (yes or no):”, and not what it shows."""
    if _BESIDE.search(name):
        return False
    if name.endswith("?"):
        return name in asked.casefold()
    if len(name) > _LONGEST_NAME or not re.search(r"[^\W\d_]", name):
        return False
    form = rf"(?<!\w){re.escape(name)}[\s\"'”*_`]{{0,5}}(?:\([^()\n]{{0,80}}\)[\s*_`]{{0,3}})?[:：](?![\s\"'`*_<>\w#-]{{0,40}}\{{[{{%])"
    return re.search(form, asked, re.IGNORECASE) is not None


def _is_left_open(options: AnswerOptions, text: str) -> bool:
    """Whether what follows a name is no verdict yet: the answers that there are, or where one stands."""
    bare = text.strip(OPENS + ".").casefold()
    return (
        not bare
        or (
            is_list_of_answers(options, bare)
            and (options.answers != "multi_select" or bool(_OR.search(bare)))
        )
        or bare.startswith(("see ", "as follows", "given below"))
    )


def _behind_sentences(options: AnswerOptions, bare: str, asked: str) -> Line | None:
    """The verdict behind sentences that say no other one, quote nothing and report nothing."""
    before = _BEFORE_LAST.match(bare)
    if not before or before[0].rstrip().endswith("?"):
        return None
    last = _read(options, bare[before.end() :], asked)
    if last.value is None or last.standing not in ("alone", "usual", "final"):
        return None
    is_code = options.answers == "number" or (isinstance(last.value, str) and len(last.value) <= 2)
    if _is_doubtful(options, before[0]) or (is_code and last.standing == "alone"):
        return Line(last.standing, last.name, UNCLEAR)
    return last


def _is_doubtful(options: AnswerOptions, said: str) -> bool:
    """Whether words before a verdict may give another one, quote one or report what somebody else says."""
    said = _EXPLAINS.sub("", said, count=1)
    is_plain = _PLAIN.fullmatch(said) and said.count("(") == said.count(")") and not _QUOTED.search(said)
    return (
        not is_plain
        or bool(
            _ABBREVIATED.search(said) or REPORTS.search(said.casefold()) or _POINTS.search(said.casefold())
        )
        or (rates(said) if options.answers == "number" else names_another(options)(said))
    )


def _without_bullet(options: AnswerOptions, bare: str) -> str:
    bullet = _BULLET.match(bare)
    if bullet is None:
        return bare
    if options.answers == "number" and (
        bullet[1] or (bare[0] in "-–—" and (options.lowest is None or options.lowest < 0))
    ):
        rest = bare[bullet.end() :]
        return rest if rest[:1].isalpha() else bare  # “2. 4” and “- 4” may be something else
    return bare[bullet.end() :]


def _is_good(options: AnswerOptions, value: object) -> bool:
    return value is True or (isinstance(value, str) and value in options.good)


def _is_bad(options: AnswerOptions, value: object) -> bool:
    return value is False or (isinstance(value, str) and value in options.bad)
