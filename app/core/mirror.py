"""What lies behind the editor's text area: the same text in lines, with variables and changed lines marked.

The page's script (`prompt-editor.js`) keeps to the same two rules, so nothing moves when it takes over.
"""

from dataclasses import dataclass

from app.core.template import VARIABLE


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a line's text."""

    text: str
    is_variable: bool = False


@dataclass(frozen=True, slots=True)
class MirrorLine:
    """One line. It is changed when the base has no line that reads the same."""

    pieces: tuple[Piece, ...]
    changed: bool = False


def mirror_lines(text: str, base: str | None = None) -> list[MirrorLine]:
    """`text` line by line; changes are marked against `base`, and not at all without one. Lines end with \\n."""
    known = None if base is None else set(base.split("\n"))
    return [MirrorLine(_pieces(line), known is not None and line not in known) for line in text.split("\n")]


def _pieces(line: str) -> tuple[Piece, ...]:
    pieces, at = [], 0
    for found in VARIABLE.finditer(line):
        pieces += [Piece(line[at : found.start()]), Piece(found.group(), is_variable=True)]
        at = found.end()
    pieces.append(Piece(line[at:]))
    return tuple(piece for piece in pieces if piece.text)
