"""What is searched for, as words: how a text is cut into them, and where they stand in a name."""

from collections.abc import Sequence

LONGEST = 200
"""Characters of a text that are searched for."""
_MOST_WORDS = 8
SEPARATORS = "/_-.,:;()[]{}<>\"'“”‘’&+|\\\x00"
"""What ends a word beside a space, in names as in what is searched for."""
SPACES = " " * len(SEPARATORS)
_TO_SPACES = str.maketrans(SEPARATORS, SPACES)
Pieces = Sequence[tuple[str, bool]]
"""A text in pieces, each with whether it is one that was searched for."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without repeats; the first few of a long one."""
    cut = text[:LONGEST].lower().translate(_TO_SPACES).split()
    return list(dict.fromkeys(cut))[:_MOST_WORDS]


def begins(word: str, among: Sequence[str]) -> bool:
    """Whether one of the words begins with it."""
    return any(each.startswith(word) for each in among)


def marked(text: str, words: Sequence[str]) -> Pieces:
    """The text in pieces: those that a word begins with are marked, the longest where several do."""
    pieces: list[tuple[str, bool]] = []
    plain, at = "", 0
    low = text.lower()
    same = len(low) == len(text)  # in a few letters lower case is longer: then nothing is marked
    while at < len(text):
        starts = same and (at == 0 or text[at - 1].isspace() or text[at - 1] in SEPARATORS)
        found = max((w for w in words if starts and low.startswith(w, at)), key=len, default="")
        if found:
            pieces += ([(plain, False)] if plain else []) + [(text[at : at + len(found)], True)]
            plain = ""
        else:
            plain += text[at]
        at += len(found) or 1
    return [*pieces, (plain, False)] if plain else pieces
