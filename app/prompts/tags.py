"""The tags that a `.prompt` file writes messages in: `<user>`, `</user>`, `<image url="…" />`. Pure text, no meaning.

The body of a tag is indented by two spaces, which are taken off again; a body that is not is taken as it stands.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, unescape

_OPENING = re.compile(r'<([a-z_]+)((?:\s+[a-zA-Z_]+="[^"]*")*)\s*(/?)>')
_ATTRIBUTE = re.compile(r'(?<![a-zA-Z_])([a-zA-Z_]+)="([^"]*)"')
_SPACE = re.compile(r"\s*")
_UNINDENTED = re.compile(r"^(?!  )(?=.)", re.MULTILINE)
_ESCAPED = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;"}
_INDENT = "  "
_MOST = 10_000
"""Elements side by side."""


class Misplaced(Exception):
    """The text is not made of tags as it should be; says what to do, and at which line."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class Element:
    """A tag with what stands in it."""

    tag: str
    attributes: Mapping[str, str]
    body: str | None
    """None for `<tag />`."""
    line: int
    """Where the tag stands."""
    body_line: int
    """Where its body begins."""


def write(tag: str, attributes: Mapping[str, str], body: str | None) -> str:
    """One element. Lines that are empty stay so; all others are indented."""
    said = "".join(f' {name}="{escape(value, _ESCAPED)}"' for name, value in attributes.items())
    if body is None:
        return f"<{tag}{said} />"
    inside = "\n".join(_INDENT + line if line else "" for line in body.split("\n"))
    return f"<{tag}{said}>\n{inside}\n</{tag}>"


def read(text: str, tags: Collection[str], line: int = 1) -> list[Element]:
    """The elements that `text` consists of, which must be some of `tags`. `line` is the number of its first line.

    Raises:
        Misplaced: something stands outside of an element, an element does not end, or there are over 10,000.
    """
    found: list[Element] = []
    for element in _read(text, tags, line):
        if len(found) == _MOST:
            raise Misplaced(f"there are more than {_MOST:,} tags side by side", element.line)
        found.append(element)
    return found


def _read(text: str, tags: Collection[str], line: int) -> Iterator[Element]:
    # Known before they are needed: looking for the next one from each element would take the square of the text.
    unindented = [found.start() for found in _UNINDENTED.finditer(text)]
    position = 0
    while True:
        start = _end_of_space(text, position)
        line += text.count("\n", position, start)
        if start == len(text):
            return
        opening = _OPENING.match(text, start)
        if opening is None or opening[1] not in tags:
            said = text[start : start + 40].partition("\n")[0]
            among = ", ".join(f"<{tag}>" for tag in tags)
            raise Misplaced(f"“{said}” stands outside of a tag: put it into one of {among}", line)
        position = opening.end()
        body_line = line + text.count("\n", start, position)
        body = None
        if not opening[3]:
            body, position = _body(text, position, opening[1], unindented)
            if body is None:
                raise Misplaced(f"<{opening[1]}> does not end: write </{opening[1]}> after it", line)
            body_line += text.startswith("\n", opening.end())
        attributes = {
            name: unescape(value, {escaped: plain for plain, escaped in _ESCAPED.items()})
            for name, value in _ATTRIBUTE.findall(opening[2])
        }
        yield Element(opening[1], attributes, body, line, body_line)
        line += text.count("\n", start, position)


def _end_of_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _body(text: str, start: int, tag: str, unindented: list[int]) -> tuple[str | None, int]:
    """What stands in the element whose opening tag ends at `start`, and where its closing tag ends."""
    closing = f"</{tag}>"
    if text.startswith("\n", start):
        place = bisect_left(unindented, start + 1)
        end = unindented[place] if place < len(unindented) else len(text)
        if text.startswith(closing, end):
            lines = text[start + 1 : end - 1].split("\n")
            return "\n".join(each.removeprefix(_INDENT) for each in lines), end + len(closing)
    end = text.find(closing, start)
    if end < 0:
        return None, start
    return text[start:end].removeprefix("\n").removesuffix("\n"), end + len(closing)
