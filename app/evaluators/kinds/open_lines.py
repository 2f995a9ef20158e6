"""Whether a line of a judge's reply that no full stop ends is whole nonetheless, or goes on in the line below.

“The tone is friendly and it greets” is whole, and a verdict may stand below it. “I would not call this” is not: what stands
below is its end. Where it may be either, it counts as open: a verdict that is refused is an error, one that is misread is a lie.
"""

import re

_OPEN_WORDS = (
    # what has to be followed by something
    "is are was were be been being am has have had having do does did can could will would shall should may might must "
    "the a an this that these those its his her their your our my such of to for in on at by with from as than like into "
    "about over under between within per via and but or nor yet so if because since when while whether although though "
    "unless until which who whom whose what where how why it i we you they he she "
    # what denies, and what makes more or less of what follows
    "not no never hardly barely scarcely neither none nothing without cannot anything everything something "
    "very really quite rather fairly too also more most less least almost nearly mostly partly partially somewhat only just "
    "even truly fully wholly entirely completely absolutely totally largely mainly likely probably possibly perhaps maybe "
    "simply clearly obviously actually basically generally overall particularly especially means way far all both either "
    # what names or gives a verdict
    "say says said saying state states stated read reads tell tells told write writes wrote written claim claims claimed "
    "answer answers answered reply replies replied respond responds responded call calls called name names named label "
    "labels labeled labelled mark marks marked rate rates rated score scores scored grade grades graded give gives gave "
    "given get gets got deserve deserves deserved earn earns earned make makes made find finds found consider considers "
    "considered deem deems deemed seem seems seemed look looks looked appear appears appeared sound sounds become becomes "
    "remain remains stay stays see sees saw seen equal equals mean meant think thinks thought believe believes judge judges judged assign "
    "assigns assigned choose chooses chose chosen pick picks picked prefer prefers preferred return returns output outputs "
    "verdict rating judgment judgement decision choice option result response text statement sentence word value number "
    "conclusion evaluation assessment"
)
_OPEN = re.compile(
    rf"(?:[,;:：–—…=(\[{{/+&-]|\b(?:{'|'.join(_OPEN_WORDS.split())})|n['’]t)[\"'”’»)\]*_`]{{0,5}}$",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|no|never|none|nor|neither|nothing|nobody|hardly|barely|scarcely|without|cannot|far from|anything but|lacks?|"
    r"fails?|refuses?)\b|n['’]t\b",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"\b(?:counts?|counted|many|amount|altogether|totals?|totalling|sum|numbers?|numbered|percentage|how often|following|listed)\b",
    re.IGNORECASE,
)
"""Of a line that speaks of a number, which a number below it may be: “I count these many mistakes”."""
_NUMBER = re.compile(r"[-+−]?\d+(?:[.,/]\d+)?\s?%?")
_QUOTES = re.compile(r"[\"“”«»„]")
_SENTENCE_END = re.compile(r"[.!?。]")
_FEWEST_WORDS = 5
"""Of a line that is no title: “Points deducted”, “Second place”."""
_ASKS = re.compile(r"\W{0,3}(?:what|which|who|whose|where|when|why|how|whether)\b|\W{0,6}\*\*", re.IGNORECASE)
_MARKED = re.compile(r"\W{0,2}(?:[-*•]|\d{1,3}[.)]|[a-z][.)])\s", re.IGNORECASE)


def is_whole(line: str, verdict: object) -> bool:
    """Whether a line without a full stop is a statement of its own, above a line that is `verdict` and nothing else.

    A title, a question without its mark and a point of a list are none. One that denies something is, above a “no” only: “it does not greet”, then False, can be no one sentence. One that counts is none above a number.
    """
    if len(line.split()) < _FEWEST_WORDS or _ASKS.match(line) or _MARKED.match(line):
        return False
    is_number = isinstance(verdict, float) or (isinstance(verdict, str) and _NUMBER.fullmatch(verdict))
    if is_number and _COUNTS.search(line):
        return False
    fragment = _SENTENCE_END.split(line)[-1]
    if _OPEN.search(line.rstrip()) or len(_QUOTES.findall(line)) % 2:
        return False
    return verdict is False or not _DENIES.search(fragment)
