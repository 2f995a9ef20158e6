"""The lines of a judge's reply, without what is put around an answer and is no part of it: thinking, fences, boxes, emoji."""

import re
from collections.abc import Sequence

OPENS = " \t\"'“”‘’«»「」『』()[]【】"
CLOSES = OPENS + ".!,:;。．｡।۔።։！，、：；"
"""Around a verdict, and no part of it. An exclamation mark before it would be one: `!true`."""
_LONGEST_REPLY = 20_000
"""Characters of a reply's end that are read: what is said before them is no verdict."""
_LONGEST_BOX = 300
_THINKING = r"(?:think|thinking|thought|thoughts|inner_thoughts|reasoning|scratchpad|analysis)"
_OPENS_THINKING = re.compile(rf"<({_THINKING})>", re.IGNORECASE)
_CLOSES_THINKING = re.compile(rf"</{_THINKING}>", re.IGNORECASE)
_CLOSED_ALONE = re.compile(rf"^[ \t]*</{_THINKING}>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_FOREIGN = re.compile(r"<\||\|>|[◁▷]|\[/?(?:THINK|INST)\]")
"""Of models whose special words came through: nobody knows what of the reply was to be read."""
_BEGINS = re.compile(r"<([a-z_:]{1,30})[^<>]{0,100}>", re.IGNORECASE)
_VERDICT_FIRST = re.compile(r"\W{0,5}(?:true|false|yes|no|pass(?:ed)?|fail(?:ed)?|\d{1,9})\b", re.IGNORECASE)
_NAMED_VERDICT = re.compile(
    r"^\W{0,9}(?:(?:my|the|final|overall) ){0,3}(?:verdict|judge?ment|answer|score|rating|grade|decision|conclusion|label)s?\W{0,9}[:=]",
    re.IGNORECASE | re.MULTILINE,
)
_ENDS_TURN = re.compile(r"(?:</s>|<\|[a-z_]{1,20}\|>|<end_of_turn>)$")
_RULE = re.compile(r"[-*_=]{3,}")
_TAG = re.compile(r"<(\w{1,30})>")
_FENCE = re.compile(r"(?:`{3,}|~{3,})\w*")
_MATHS = frozenset(("$$", "\\[", "\\]"))
_BOX = re.compile(
    r"(?:\$\$?|\\\(|\\\[)?\s{0,3}\\boxed\{\s{0,3}(?:\\text\w{0,4}\{)?([^{}\\]{1,200})\}{1,2}\s{0,3}(?:\$\$?|\\\)|\\\])?"
    r"(?=[\s.。*_]{0,9}$)"
)
_JOINS = re.compile("[\ufe0e\ufe0f\u200b\u200d\u2060\ufeff\u20e3]")
_EMOJI = re.compile(
    "[\u2300-\u23ff\u25a0-\u25ff\u2600-\u266c\u2670-\u2752\u2756\u2758-\u2793\u27b0\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
)
"""But no sharp, plus, minus, question or exclamation mark: those say something."""
_EMPHASIS = re.compile(r"[*`]|(?<!\w)_{1,3}|_{1,3}(?!\w)")
_TICKBOX = re.compile(r"\[[ xX_]{0,3}\]|\( {1,3}\)|[☐☑☒⬜◻○●◯□■]")
_SAYS_YES = re.compile("[✅✓✔☑👍🟢🟩]")
_SAYS_NO = re.compile("[❌✗✘✖❎👎🚫⛔🔴🟥🙅☒]")


def without_thinking(reply: str) -> str | None:
    """A reply without what the model thought aloud before it; None where that has no end, or nobody can say where it ends.

    Only what stands first, and is closed by its own name, is thinking: judged text that is quoted may close it, too. An end
    without a beginning, as some servers leave it, counts where it stands alone in a line, once, with no verdict above.
    """
    reply = reply.strip("\ufeff \t\r\n")
    opening = _OPENS_THINKING.match(reply)
    if opening is None:
        alone = _CLOSED_ALONE.search(reply)
        if alone is None or len(_CLOSES_THINKING.findall(reply)) > 1:
            return reply
        before, behind = reply[: alone.start()].rstrip(), reply[alone.end() :].strip()
        is_quoted = before.endswith(":") or _VERDICT_FIRST.match(before) or _NAMED_VERDICT.search(before)
        return None if is_quoted or _OPENS_THINKING.search(before) else behind
    closing = re.search(rf"</{opening[1]}>", reply, re.IGNORECASE)
    if closing is None:
        return None
    behind = reply[closing.end() :].strip()
    # A second end may be the real one, and what stands between the two be quoted by the thoughts.
    return None if _CLOSES_THINKING.search(behind) else behind


def lines_of(reply: str) -> Sequence[str]:
    """The lines of a reply that are not empty, without thinking, rules and marks at its end; none where nothing is left.

    A fence is taken away where it is the whole reply, or stands around its last line alone, below a line that ends with a
    colon; the caller looks at that one.
    """
    reply = (without_thinking(reply) or "")[-_LONGEST_REPLY:]
    begins = _BEGINS.match(reply)
    if begins and f"</{begins[1]}>".casefold() not in reply.casefold():
        return []
    lines = [one.strip() for one in reply.splitlines() if one.strip() and one.strip() not in _MATHS]
    while lines:
        lines[-1] = _ENDS_TURN.sub("", lines[-1]).rstrip()
        if lines[-1] and not _RULE.fullmatch(lines[-1]):
            break
        lines.pop()
    if any(_FOREIGN.search(line) for line in lines):
        return []
    if (
        len(lines) > 2
        and (tag := _TAG.fullmatch(lines[-3]))
        and lines[-1].casefold() == f"</{tag[1]}>".casefold()
    ):
        lines[-3:] = ["".join(lines[-3:])]
    fences = [n for n, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if len(lines) > 2 and fences[-1:] == [len(lines) - 1]:
        if fences[:-1] == [0]:
            return lines[1:-1]
        if fences[-2:-1] == [len(lines) - 3] and lines[-4].rstrip("*_ ").endswith((":", "：")):
            return [*lines[:-3], lines[-2]]
    return lines


def undressed(line: str, choices: Sequence[str] = ()) -> str:
    """A line without emoji, emphasis, and the box around its end; as it is where one of the choices is written with such."""
    if any(_EMOJI.search(one) or _EMPHASIS.search(one) for one in choices):
        return " ".join(line.split())
    line = _EMOJI.sub(" ", _JOINS.sub("", line)).strip()
    at = max(0, len(line) - _LONGEST_BOX)
    return " ".join(_EMPHASIS.sub("", line[:at] + _BOX.sub(r"\1", line[at:])).split())


def has_tickbox(line: str) -> bool:
    """Whether a line has a box to tick, ticked or not: it is one of several answers."""
    return _TICKBOX.search(line) is not None


def is_marked(line: str, *, good: bool) -> bool:
    """Whether a line has an emoji such as ✅ or ❌ that says good, or else bad."""
    return (_SAYS_YES if good else _SAYS_NO).search(line) is not None
