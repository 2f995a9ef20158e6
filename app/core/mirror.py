"""What lies behind the editor's text area: the same text in lines, coloured, with changed lines marked.

The page's script (`prompt-editor.js`) keeps to the same rules, so nothing moves when it takes over.
"""

import keyword
import re
from dataclasses import dataclass
from typing import Literal

Language = Literal["template", "python", "json"]
Token = Literal["", "var", "tok-keyword", "tok-string", "tok-number", "tok-comment"]
"""What a piece is, as the class that colours it."""

_SLOT = re.compile(r"{{\s?(?:[a-zA-Z_\d.\[\]]+|(?P<call>[a-zA-Z_\-\d/]+\([^{}]*\)))\s?}}")
"""A variable as templates have it, or a call of a tool, of which an include is one."""
_TOKEN = re.compile(
    r"""(?P<comment>\#.*)
    | [rbfu]{0,2} (?: (?P<opening>\"{3}|'{3}) | (?P<string>"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?) )
    | (?P<number>[0-9][\w.]*)
    | (?P<name>(?![0-9])\w+)""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_JSON = re.compile(
    r"""(?P<key>"(?:\\.|[^"\\])*"(?=\s*:)) | (?P<string>"(?:\\.|[^"\\])*"?)
    | (?P<number>-?[0-9][\w.+-]*) | (?P<name>\w+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a line's text."""

    text: str
    token: Token = ""


@dataclass(frozen=True, slots=True)
class MirrorLine:
    """One line. It is changed when the base has no line that reads the same."""

    pieces: tuple[Piece, ...]
    changed: bool = False


def mirror_lines(text: str, base: str | None = None, language: Language = "template") -> list[MirrorLine]:
    """`text` line by line; changes are marked against `base`, and not at all without one. Lines end with \\n."""
    known = None if base is None else set(base.split("\n"))
    lines, quote = [], ""
    for line in text.split("\n"):
        if language == "python":
            pieces, quote = _of_python(line, quote)
        elif language == "json":
            pieces = _of_json(line)
        else:
            pieces = _of_template(line)
        whole = tuple(piece for piece in pieces if piece.text)
        lines.append(MirrorLine(whole, known is not None and line not in known))
    return lines


def _of_template(line: str) -> list[Piece]:
    pieces, at = [], 0
    for found in _SLOT.finditer(line):
        token: Token = "tok-keyword" if found["call"] else "var"
        pieces += [Piece(line[at : found.start()]), Piece(found.group(), token)]
        at = found.end()
    return [*pieces, Piece(line[at:])]


def _of_json(line: str) -> list[Piece]:
    pieces, done = [], 0
    for found in _JSON.finditer(line):
        if token := _json_token(found):
            pieces += [Piece(line[done : found.start()]), Piece(found.group(), token)]
            done = found.end()
    return [*pieces, Piece(line[done:])]


def _json_token(found: re.Match[str]) -> Token:
    match found.lastgroup:
        case "key":
            return "tok-keyword"
        case "string":
            return "tok-string"
        case "number":
            return "tok-number"
    return "tok-number" if found.group() in ("true", "false", "null") else ""


def _of_python(line: str, quote: str) -> tuple[list[Piece], str]:
    """The line's pieces, and the three quotes that are open behind it; `quote` are those that are before it."""
    pieces, done = [], 0
    if quote:
        done = _after(line, 0, quote)
        pieces.append(Piece(line[:done], "tok-string"))
        if not done:
            return [Piece(line, "tok-string")], quote
    at = done
    while found := _TOKEN.search(line, at):
        at = found.end()
        if found["opening"]:
            at = _after(line, at, found["opening"])
            if not at:
                before, string = Piece(line[done : found.start()]), Piece(line[found.start() :], "tok-string")
                return [*pieces, before, string], found["opening"]
        if token := _token(found):
            pieces += [Piece(line[done : found.start()]), Piece(line[found.start() : at], token)]
            done = at
    return [*pieces, Piece(line[done:])], ""


def _after(line: str, at: int, quote: str) -> int:
    """Where the line goes on behind the closing `quote`, or 0: it stays open."""
    while at < len(line):
        if line.startswith(quote, at):
            return at + len(quote)
        at += 2 if line[at] == "\\" else 1
    return 0


def _token(found: re.Match[str]) -> Token:
    match found.lastgroup:
        case "comment":
            return "tok-comment"
        case "opening" | "string":
            return "tok-string"
        case "number":
            return "tok-number"
    return "tok-keyword" if keyword.iskeyword(found.group()) else ""
