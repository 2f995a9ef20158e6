"""Words that lead to a verdict, such as “Final verdict:”, told from those that deny it, doubt it or report what somebody else
says: a judge may quote what it judges."""

import re
from collections.abc import Callable
from typing import Literal

from app.evaluators.kinds.reply_lines import OPENS

LONGEST_LABEL = 300
_MOST_WORDS = 6
_AFTER = r"[\"'“”‘’»」』)\]】*_]"
_BULLET = re.compile(r"(?:[-–—•*#]+|\d+[.)])\s+")
_SENTENCES = re.compile(rf"(?<!\w)(\w\w+){_AFTER}*(?:[.!?]{_AFTER}*\s|[。！？।])")
ABBREVIATIONS = frozenset(
    ("al", "approx", "ca", "cf", "ch", "dr", "ed", "eds", "eq", "est", "etc", "fig", "figs", "incl", "mr", "mrs", "ms", "no",
     "nos", "nr", "pp", "prof", "sec", "st", "vol", "vs")
)  # fmt: skip
"""Words before a full stop that ends no sentence."""

_NOUN = "(?:verdict|judge?ment|answer|score|rating|grade|mark|result|decision|conclusion|label|choice|assessment|evaluation)"
_RATING = "(?:score|rating|grade)"
_THING = (
    "(?:answer|response|reply|output|text|message|summary|translation|statement|claim|comment|review|post|sentence|passage|code|"
    "query|essay|submission|solution|explanation|conversation|sentiment|tone|style|quality|intent|topic|category|class|emotion|"
    "language|severity|[a-z]+(?:ness|ity|acy|ance|ence))"
)
_FOR_WHAT = r"(?: (?:for|of|on|about|regarding) (?:this|the|that) \w+(?: \w+)?)?"
_SUBJECT = re.compile(
    rf"it|this|that|(?:(?:the|this|my|our|final|overall) )*{_NOUN}{_FOR_WHAT}|"
    rf"(?:(?:the|my|our|final|overall) )*(?:[\w-]+ ){{0,2}}{_RATING}{_FOR_WHAT}"
)
"""Of which a verdict is said with “is”."""
_CLAIM = re.compile("the (?:statement|claim|assertion)")
_JUDGED = re.compile(rf"(?:the|this|its|their|his|her) (?:\w+['’]s )?(?:\w+ ){{0,2}}{_THING}")
"""What is judged. It may itself be “True” or “B”, but is “incorrect” only by a verdict."""
_SO = re.compile(r"(?:and )?(?:so|thus|hence|therefore|then)\b,? ?")
_LEADS = re.compile(
    r"(?:(?:and )?(?:so|thus|hence|therefore|then)|overall|finally|ultimately|in (?:summary|conclusion|short|total|my (?:opinion|view))|"
    r"to (?:sum up|conclude)|(?:all|everything) considered)$|(?:based on|given|considering|since|because|having|after) "
)
"""Before a comma and a subject."""
_ENDS_WITH_SUBJECT = re.compile(rf"\b(?:my|the|our|final|overall) {_NOUN}(?: is)?$")
_AS_ASKED = re.compile(r"as (?:requested|asked|instructed|required|you (?:asked|requested|wanted)),? ")
_I_SAY = re.compile(
    r"(?:so,? )?(?:i|we)(?:['’]d| would|['’]ll| will)? "
    r"(?:say|answer|conclude|judge|vote|choose|pick|go with|(?:rate|give|score) (?:it|this))"
)
_ALONE = re.compile(r"(?:my )?(?:output|(?:last|final) line)")
"""Leads to the judge's own verdict where nothing is said before it."""
_CRITERION = re.compile(
    r"(?:no|non|not|without|free of)[ -](?!(?:this|that|these|those|it|so|really|exactly|quite|necessarily|actually|at|yet|only|"
    r"just|even|to|as|all|the|an?|longer|more|way|sure|applicable|my|our|possible|certain|one)\b)([\w-]+(?: [\w'’-]+){0,3})"
)
"""What is asked may itself be a denial: “No errors: True”."""

_FINAL = re.compile(rf"(?:(?:the|my|our) )?(?:final|overall)(?: (?:final|overall))?(?: {_NOUN})?")
_OWN = re.compile(rf"(?:(?:the|my|our) )*(?:verdict|judge?ment|{_RATING})")
"""What a reply has one of."""

_WANTED = (
    "(?:expected|target|reference|example|requested|desired|claimed|alleged|supposed|other|previous|earlier|default|sample|wrong|"
    "forged|injected|correct|right|actual|gold|golden|ideal|standard|proper|original|truth|full|pass|passing|perfect|needed|"
    "required|possible|available|maximum|minimum|max|min)"
)
_GIVEN = (
    r"(?:candidate|given|submitted|suggested|proposed|its|their|his|her|total(?= (?:mark|point))|\w+['’]s)"
)
_OF_ANOTHER = re.compile(
    rf"\b(?:(?:{_WANTED}|{_GIVEN}) (?:own |final |overall )*(?:{_NOUN}|response|reply|output|value|option|point)s?\b|"
    rf"{_NOUN}(?: \w+)? (?:in|by|from|inside|within) (?:the|its|this) |lines?\b|ground truth\b|model answer\b)"
    r"|^(?:the )?(?:expected|actual|gold|truth|threshold|desired|target|reference|example|format|output|quote|claim|input|prompt|"
    r"user|student|candidate|human|author)$"
)
"""What somebody else says, or is to say, or what could be reached."""
_NOT_ALL_OF_IT = re.compile(
    rf"\b(?:{_WANTED}|model answer|first|second|third|last|rest|half|part|beginning|end|best|worst)\b"
)
"""What is not judged, or not the whole of it."""
_STRANGE = re.compile(r"[^\w\s'’*_.,/#&+%-]|(?:^|\s)['’]|[^\W\d_]\.")
DENIES = re.compile(
    r"\b(?:not|no|never|cannot|nor|neither|without|hardly|non|opposite|contrary|but|except|unlike|instead|rather|anything|far|"
    r"\w+n['’]t|isnt|doesnt|cant|wont|dont|nicht|keine?|nie|niet|geen|inte|pas|jamais|nunca|n[ãa]o)\b|不是|并非|不要"
)
_GUESSES = re.compile(
    r"\b(?:if|unless|would|could|might|should|ought|must be|or|either|otherwise|maybe|perhaps|possibly|probably|almost|nearly)\b"
    r"|^(?:once|when|until)\b"
)
REPORTS = re.compile(
    r"\b(?:(?:assert|attempt|conclud|declar|demand|end|fak|finish|fool|forg|inject|instruct|manipulat|order|print|quot|report|"
    r"request|respond|stat|suggest|trick|urg|claim(?!s (?!that)))(?:e?s|e?d|ing)|(?:ask|begin|insist|pretend|say|tell|want|writ)"
    r"(?:e?s|e?d|ing|e)?|repl(?:ies|ied)|said|told|wrote|written|try|tries|tried|trying|(?:answers|outputs|reads)$)\b"
)
"""Of somebody who says something, or is to."""
Others = Callable[[str], bool]
"""Whether a text names another verdict, for all that is known."""


def sentences_of(text: str) -> tuple[list[str], str]:
    """The sentences that have ended, and what is left behind them."""
    ends = [one.end() for one in _SENTENCES.finditer(text) if one[1].casefold() not in ABBREVIATIONS]
    starts = [0, *ends]
    return [text[start:end] for start, end in zip(starts, ends, strict=False)], text[starts[-1] :]


def without_mark(line: str) -> str:
    """A line without the mark of a list or a heading before it."""
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def plain_of(label: str) -> str:
    """A label without what stands around it, in small letters."""
    bare = without_mark(label[:LONGEST_LABEL].strip())
    return " ".join(bare.strip(OPENS).casefold().split())


def is_label(label: str, others: Others, *, is_alone: bool, is_question: bool) -> bool:
    """Whether words lead to a verdict, and do nothing else: a name for it, or what was asked; a denial only for a yes or no."""
    plain = _AS_ASKED.sub("", plain_of(label), count=1)
    if len(label) > LONGEST_LABEL or _STRANGE.search(plain) or others(plain):
        return False
    if is_question and (criterion := _CRITERION.fullmatch(plain)):
        return is_own(criterion[1]) and not re.search(rf"\b{_NOUN}\b", plain)
    if is_introduction(plain, is_alone=is_alone) and "," not in plain and len(plain.split()) <= _MOST_WORDS:
        return True
    return is_own(plain) and bool(
        _ENDS_WITH_SUBJECT.search(plain) or _SUBJECT.fullmatch(plain.removesuffix(" is"))
    )


def is_introduction(plain: str, *, is_alone: bool) -> bool:
    """Whether words before a colon are the judge's own."""
    plain = _AS_ASKED.sub("", plain, count=1)
    return bool(_I_SAY.fullmatch(plain) or (is_alone and _ALONE.fullmatch(plain))) or is_own(plain)


def is_subject(label: str, others: Others, *, is_description: bool) -> bool:
    """Whether words name that of which a verdict is said with “is”; what is judged only where the verdict is a description."""
    plain = plain_of(label)
    reason, comma, subject = plain.rpartition(", ")
    if len(label) > LONGEST_LABEL or others(plain) or _STRANGE.search(plain):
        return False
    follows = _SO.match(subject)
    if comma and not (follows or _LEADS.match(reason)):
        return False
    if REPORTS.search(reason) or _GUESSES.search(reason) or (not follows and DENIES.search(reason)):
        return False
    subject = subject[follows.end() :] if follows else subject
    if _CLAIM.fullmatch(subject):
        return True
    if is_description and _JUDGED.fullmatch(subject) and not _NOT_ALL_OF_IT.search(subject):
        return not any(one.search(subject) for one in (DENIES, _GUESSES, REPORTS))
    return _SUBJECT.fullmatch(subject) is not None and is_own(subject)


def is_own(plain: str) -> bool:
    """Whether words neither deny what follows, nor guess, nor tell what somebody else says."""
    return not any(one.search(plain) for one in (DENIES, _GUESSES, REPORTS, _OF_ANOTHER))


def is_quoting(line: str) -> bool:
    """Whether the last sentence of a line may tell what somebody else says."""
    said, rest = sentences_of(line[-LONGEST_LABEL:] + " ")
    return REPORTS.search((rest.strip() or (said or [""])[-1]).casefold()) is not None


def name_of(label: str) -> Literal["final", "own"] | None:
    """Whether a label says that a verdict is the one of the whole reply, or of a part of it or the whole; None where neither."""
    plain = plain_of(label)
    if _FINAL.fullmatch(plain):
        return "final"
    return "own" if _OWN.fullmatch(plain) else None
