"""The lines of a judge's reply, without what is put around an answer and is no part of it: thinking, fences, boxes, emoji."""

import re
from collections.abc import Sequence

OPENS = " \t\"'“”‘’«»「」『』()[]【】"
CLOSES = OPENS + ".!,:;。．｡।۔።։！，、：；"
"""Around a verdict, and no part of it. An exclamation mark before it would be one: `!true`."""
_LONGEST_REPLY = 20_000
"""Characters of a reply's end that are read: what is said before them is no verdict."""
_LONGEST_BOX = 300
_THINKING = [
    f"{opens}{written(name)}>"
    for opens in ("</", "<")
    for name in ("think", "thinking", "thought", "reasoning", "scratchpad")
    for written in (str, str.title, str.upper)
]
_ENDS_TURN = re.compile(r"(?:</s>|<\|[a-z_]{1,20}\|>|<end_of_turn>)$")
_RULE = re.compile(r"[-*_=]{3,}")
_FENCE = re.compile(r"(?:`{3,}|~{3,})\w*")
_MATHS = frozenset(("$$", "\\[", "\\]"))
_BOX = re.compile(
    r"(?:\$\$?|\\\(|\\\[)?\s{0,3}\\boxed\{\s{0,3}(?:\\text\w{0,4}\{)?([^{}\\]{1,200})\}{1,2}\s{0,3}(?:\$\$?|\\\)|\\\])?"
    r"(?=[\s.。*_]{0,9}$)"
)
_JOINS = re.compile("[\ufe0e\ufe0f\u200b\u200d\u2060\ufeff\u20e3]")
_EMOJI = re.compile(
    "[\u2300-\u23ff\u25a0-\u25ff\u2600-\u2793\u2795-\u2797\u27b0\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
)
_EMPHASIS = re.compile(r"[*`]|(?<!\w)_{1,3}|_{1,3}(?!\w)")
_TICKBOX = re.compile(r"\[[ xX_]{0,3}\]|\( {1,3}\)|[☐☑☒⬜◻○●◯□■]")
_SAYS_YES = re.compile("[✅✓✔☑👍🟢🟩]")
_SAYS_NO = re.compile("[❌✗✘❎👎🚫⛔🔴🟥🙅☒]")


def without_thinking(reply: str) -> str | None:
    """A reply without what the model thought aloud before it; None where it never came to an end with that."""
    reply = reply.strip("\ufeff \t\r\n")
    at, mark = max((reply.rfind(mark), mark) for mark in _THINKING)
    if at < 0:
        return reply
    return reply[at + len(mark) :].strip() if mark.startswith("</") else None


def lines_of(reply: str) -> Sequence[str]:
    """The lines of a reply that are not empty, without thinking, rules and marks at its end; none where nothing is left.

    A fence is taken away where it is the whole reply, or stands around its last line alone, below a line that ends with a
    colon; the caller looks at that one.
    """
    reply = (without_thinking(reply) or "")[-_LONGEST_REPLY:]
    lines = [one.strip() for one in reply.splitlines() if one.strip() and one.strip() not in _MATHS]
    while lines:
        lines[-1] = _ENDS_TURN.sub("", lines[-1]).rstrip()
        if lines[-1] and not _RULE.fullmatch(lines[-1]):
            break
        lines.pop()
    fences = [n for n, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if len(lines) > 2 and fences[-1:] == [len(lines) - 1]:
        if fences[:-1] == [0]:
            return lines[1:-1]
        if fences[-2:-1] == [len(lines) - 3] and lines[-4].rstrip("*_ ").endswith((":", "：")):
            return [*lines[:-3], lines[-2]]
    return lines


def undressed(line: str) -> str:
    """A line without emoji, emphasis, and the box around its end."""
    line = _EMOJI.sub(" ", _JOINS.sub("", line)).strip()
    at = max(0, len(line) - _LONGEST_BOX)
    return " ".join(_EMPHASIS.sub("", line[:at] + _BOX.sub(r"\1", line[at:])).split())


def has_tickbox(line: str) -> bool:
    """Whether a line has a box to tick, ticked or not: it is one of several answers."""
    return _TICKBOX.search(line) is not None


def is_marked(line: str, *, good: bool) -> bool:
    """Whether a line has an emoji such as ✅ or ❌ that says good, or else bad."""
    return (_SAYS_YES if good else _SAYS_NO).search(line) is not None
