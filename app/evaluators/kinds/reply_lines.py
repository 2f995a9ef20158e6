"""The last line of a judge's reply, and what is put around a verdict and is no part of it: fences, boxes, emoji."""

import re
from collections.abc import Callable

OPENS = " \t*_`\"'“”‘’«»「」『』()[]【】"
CLOSES = OPENS + ".!,:;。．｡।۔።։！，、：；"
"""Around a verdict, and no part of it. An exclamation mark before it would be one: `!true`."""
_LONGEST_BOX = 300
_OPENS_BLOCK = re.compile(r"(?:`{3,}|~{3,})\w*|\$\$|\\\[")
_CLOSES_BLOCK = re.compile(r"`{3,}|~{3,}|\$\$|\\\]")
_BOX = re.compile(
    r"(?:\$\$?|\\\(|\\\[)?\s{0,3}\\boxed\{\s{0,3}(?:\\text\w{0,4}\{)?([^{}\\]{1,200})\}{1,2}\s{0,3}(?:\$\$?|\\\)|\\\])?"
    r"(?=[\s.。*_]{0,9}$)"
)
_EMOJI = re.compile(
    "[\u2300-\u23ff\u25a0-\u25ff\u2600-\u2793\u27b0\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200b\u200d\u2060\ufeff\u20e3\U0001f000-\U0001faff]"
)
_UNTICKED = re.compile(r"\[ ?\]")
_SAYS_YES = re.compile("[✅✓✔☑👍]")
_SAYS_NO = re.compile("[❌✗✘❎👎🚫⛔]")


def last_line_of(reply: str, is_quoting: Callable[[str], bool]) -> tuple[str, str]:
    """What stands above the last line, and the line: of a fence where one is the whole reply, or holds only that line and the
    line above it does not quote."""
    above, _, line = reply.strip().rpartition("\n")
    if _CLOSES_BLOCK.fullmatch(line.strip()):
        inside, _, last = above.rstrip().rpartition("\n")
        before, _, opening = inside.rstrip().rpartition("\n")
        if _OPENS_BLOCK.fullmatch(opening.strip()) and not is_quoting(before.rstrip().rpartition("\n")[2]):
            return before, last.strip()
        first, _, rest = inside.partition("\n")
        if _OPENS_BLOCK.fullmatch(first.strip()) and not any(
            _CLOSES_BLOCK.match(one.strip()) for one in rest.splitlines()
        ):
            return rest, last.strip()
    return above, line.strip()


def undressed(line: str) -> str:
    """A line without emoji, and without the box around its end."""
    line = _EMOJI.sub("", line).strip()
    at = max(0, len(line) - _LONGEST_BOX)
    return line[:at] + _BOX.sub(r"\1", line[at:])


def is_unticked(line: str) -> bool:
    """Whether a line shows a box that is not ticked: an answer that was not chosen."""
    return _UNTICKED.search(line) is not None


def is_marked(line: str, *, good: bool) -> bool:
    """Whether a line has an emoji such as ✅ or ❌ that says good, or else bad."""
    return (_SAYS_YES if good else _SAYS_NO).search(line) is not None
