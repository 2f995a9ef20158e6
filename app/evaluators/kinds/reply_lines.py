"""The lines of a judge's reply, without what is put around them and is no part of it: thinking, fences, rules, emphasis."""

import re
from collections.abc import Sequence
from itertools import islice

_LONGEST_REPLY = 50_000
"""Characters that are read, without thinking: of more than that, nobody knows what stands in the first ones."""
_NAMES = "think|thinking|thought|thoughts|inner_thoughts|reasoning|scratchpad|analysis"
_THINKING = re.compile(rf"(?:(?<=\n)|\A)[ \t]*<({_NAMES})>|<(/?(?:{_NAMES}))>", re.IGNORECASE)
"""A tag that begins its line, or any other one."""
_MOST_TAGS = 20
_SAYS_VERDICT = re.compile(
    r"\A\W{0,5}(?:true|false|yes|no|pass(?:ed)?|fail(?:ed)?|\d{1,9})\b|"
    r"(?:verdict|judge?ment|answer|score|rating|grade|decision|conclusion|label|better)s?[\"'*_` ]{0,5}[:=]|[^.!?。！？]\Z",
    re.IGNORECASE,
)
_FOREIGN = re.compile(r"<\||\|>|[◁▷]|\[/?(?:THINK|INST)\]")
"""Of models whose special words came through: nobody knows what of the reply was to be read."""
_BEGINS = re.compile(r"<([a-z_:]{1,30})[^<>]{0,100}>", re.IGNORECASE)
ENDS_TURN = re.compile(r"(?:</s>|<\|[a-z_]{1,20}\|>|<end_of_turn>)\s{0,9}$")
_RULE = re.compile(r"[-*_=]{3,}")
_TAG = re.compile(r"<(\w{1,30})>")
FENCE = re.compile(r"(?:`{3,}|~{3,})\w*")
_MATHS = frozenset(("$$", "\\[", "\\]"))
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe0e\ufe0f\ufeff\u20e3]")
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}|[*_]{1,3}(?!\w)")


def without_thinking(reply: str) -> str | None:
    """A reply without what the model thought aloud; None where it is not clear what that is.

    It is what stands between two tags of one name, of which the first begins a line. An end without a beginning, as some servers
    leave it, counts where it stands alone in a line, with nothing like a verdict above.
    """
    reply = reply.strip("\ufeff \t\r\n")
    tags = list(islice(_THINKING.finditer(reply), _MOST_TAGS))
    if len(tags) == 1 and tags[0][0].startswith("</"):
        before, behind = reply[: tags[0].start()], reply[tags[0].end() :]
        is_alone = before.endswith("\n") and behind[:1] in ("", "\r", "\n")
        return behind.strip() if is_alone and not _SAYS_VERDICT.search(before.rstrip()) else None
    said, at = list[str](), 0
    for begins, ends in zip(tags[::2], tags[1::2], strict=False):
        if begins[1] is None or ends[2] is None or ends[2].casefold() != f"/{begins[1].casefold()}":
            return None
        said.append(reply[at : begins.start()])
        at = ends.end()
    return None if len(tags) % 2 or len(tags) == _MOST_TAGS else "\n".join((*said, reply[at:])).strip()


def lines_of(reply: str) -> Sequence[str]:
    """The lines of a reply that are not empty, without thinking and rules; none where nobody can say what is to be read.

    A fence is taken away where it is the whole reply, or stands around its last line alone, below a line that ends with a
    colon; the caller looks at that one. One that is not closed may hold all that follows.
    """
    reply = ENDS_TURN.sub("", (without_thinking(reply) or "").rstrip())
    if len(reply) > _LONGEST_REPLY or _FOREIGN.search(reply):
        return []
    begins = _BEGINS.match(reply)
    if begins and f"</{begins[1]}>".casefold() not in reply.casefold():
        return []
    lines = [line for each in reply.splitlines() if (line := _INVISIBLE.sub("", each).strip())]
    lines = [line for line in lines if not _RULE.fullmatch(line) and line not in _MATHS]
    if (
        len(lines) > 2
        and (tag := _TAG.fullmatch(lines[-3]))
        and lines[-1].casefold() == f"</{tag[1]}>".casefold()
    ):
        lines[-3:] = ["".join(lines[-3:])]
    fences = [n for n, line in enumerate(lines) if FENCE.fullmatch(line)]
    if len(fences) % 2:
        return []
    if len(lines) > 2 and fences[-1:] == [len(lines) - 1]:
        if fences[:-1] == [0]:
            return lines[1:-1]
        if fences[-2:-1] == [len(lines) - 3] and lines[-4].rstrip("*_ ").endswith((":", "：")):
            return [*lines[:-3], lines[-2]]
    return lines


def is_paragraph(reply: str, line: str) -> bool:
    """Whether the last line of a reply begins a paragraph of its own: what stands above was not wrapped into it."""
    above = reply.rpartition(line)[0].split("\n")[:-1]
    between = list[str]()
    while above and (not (text := above.pop().strip()) or _RULE.fullmatch(text)):
        between.append(text)
    return "" in between and not between[-1]  # a rule right below a text makes it a heading


def undressed(line: str) -> str:
    """A line without emphasis, if it is whole: “5*” has a footnote."""
    bare, count = _EMPHASIS.subn("", line.replace("\\_", "_"))
    return " ".join((line if count % 2 else bare).split())
