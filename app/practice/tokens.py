"""Tokens with the shapes by which the practice model tells numbers, dates and names apart."""

import re
from typing import NamedTuple

from app.practice.memory import remembered
from app.practice.text import STOP, stem

TOKEN = re.compile(
    r"[$£€¥]?\d+(?:[.,:/]\d+)*(?:%|st|nd|rd|th|ish|am|pm|m|bn|k)?|\w+(?:['’.-]\w+)*|[^\w\s]", re.IGNORECASE
)
_MONTHS = "january february march april may june july august september october november december"
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve dozen twenty hundred thousand million"
    " billion half"
)
MONTHS = frozenset(_MONTHS.split())
NUMBERS = frozenset(_NUMBERS.split())
YEAR = re.compile(r"(?:1\d{3}|20\d\d)s?")


class Token(NamedTuple):
    """A word, number or mark, and where it stands."""

    text: str
    low: str
    stem: str
    start: int
    end: int
    is_word: bool
    is_content: bool
    is_number: bool
    is_date: bool
    is_capital: bool


@remembered(300_000)
def tokens(sentence: str) -> tuple[Token, ...]:
    """The tokens of a sentence, in their order."""
    return tuple(_token(found[0], *found.span()) for found in TOKEN.finditer(sentence))


def _token(text: str, start: int, end: int) -> Token:
    low = text.lower()
    is_word = text[0].isalnum() or text[0] in "$£€¥"
    return Token(
        text,
        low,
        stem(low[:40]),
        start,
        end,
        is_word=is_word,
        is_content=is_word and low not in STOP,
        is_number=low in NUMBERS or any(character.isdigit() for character in text),
        is_date=low in MONTHS or bool(YEAR.fullmatch(low)),
        is_capital=text[0].isupper(),
    )
