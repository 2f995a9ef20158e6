"""Line breaks in templates are for whoever reads the template, and never reach a page."""

import re
from re import Match

from jinja2.ext import Extension

_STRING = r'"[^"]*"|\'[^\']*\''
_STATEMENT = rf"\{{%(?:{_STRING}|[^\"'])*?%\}}"
_EXPRESSION = rf"\{{\{{(?:{_STRING}|[^\"'])*?\}}\}}"
_JINJA = rf"(?>\{{#.*?#\}}|{_STATEMENT}|{_EXPRESSION})"
_QUOTED = rf'"(?>{_JINJA}|[^"])*+"'
_ATTRIBUTES = rf'(?>{_JINJA}|{_QUOTED}|[^>"])*+'
_VERBATIM = rf"<(?P<name>pre|textarea|script|style)\b{_ATTRIBUTES}>.*?</(?P=name)>"
_TAG = rf"<[a-zA-Z/!]{_ATTRIBUTES}>"
_BREAK = r"[ \t]*\n\s*"
_PIECES = re.compile(rf"(?P<verbatim>{_VERBATIM})|(?P<kept>{_JINJA})|(?P<tag>{_TAG})|{_BREAK}", re.DOTALL)
_FIRST_TAG = re.compile(_TAG, re.DOTALL)
_IN_TAG = re.compile(rf"(?P<kept>{_JINJA}|{_QUOTED})|{_BREAK}", re.DOTALL)


class LineBreaks(Extension):
    """What a line break in a template stands for: nothing, or one space where there are words beside it.

    So a template can be laid out as its elements are nested, and elements that touch still touch. Between attributes it is
    one space, too. What stands in double quotes, and in `pre`, `textarea`, `script` and `style`, is kept as it is. A space that is
    wanted between two elements is written: `</b> <i>` in one line.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's own
        """The template without its line breaks. They become comments, so that errors name the line they are in."""
        return _PIECES.sub(_joined, source)


def _joined(piece: Match[str]) -> str:
    if piece["kept"]:
        return piece[0]
    if piece["tag"]:
        return _in_one_line(piece[0])
    if piece["verbatim"]:
        return _FIRST_TAG.sub(lambda tag: _in_one_line(tag[0]), piece[0], count=1)
    before = piece.string[max(piece.start() - 2, 0) : piece.start()]
    after = piece.string[piece.end() : piece.end() + 2]
    ends_piece = not before or before.endswith((">", "%}", "#}", "}}"))
    begins_piece = not after or after.startswith(("<", "{%", "{#", "{{"))
    return _comment(piece[0]) if ends_piece and begins_piece else f" {_comment(piece[0])}"


def _in_one_line(tag: str) -> str:
    return _IN_TAG.sub(lambda piece: piece[0] if piece["kept"] else f" {_comment(piece[0])}", tag)


def _comment(blank: str) -> str:
    return f"{{#{blank}#}}"
