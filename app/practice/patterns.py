"""Built-in guesses at values by a field's name: e-mail, time, date, number of people and the like."""

import re
from typing import NamedTuple

DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
COUNT = r"(?:\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
NTH = r"\d{1,2}(?:st|nd|rd|th)?"
CALLED = r"(?:[Nn]ame is|I'm|I am|[Tt]his is|[Uu]nder|[Nn]ame of|[Ff]or)"
NAME = r"[A-Z][a-z]{1,30}"

# Every repetition is bounded: an open one before a required mark makes a search quadratic.
_SOURCES = (
    (r"e.?mail", r"(?<![\w.+-])([\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{1,63}\w)", True),
    (r"url|link|website", r"(https?://\S+)", True),
    (r"phone|mobile", r"(\+?\d[\d ()-]{6,20}\d)", True),
    (r"time|hour", r"\b(\d{1,2}(?:[:.]\d\d)? ?[ap]\.?m\b|\d{1,2}:\d\d|noon|midnight)", True),
    (
        r"date|day",
        rf"\b((?:today|tomorrow|tonight)|(?:next |this )?{DAY}|{NTH} (?:of )?{MONTH}\b(?:,? \d{{4}})?"
        rf"|{MONTH} {NTH}\b(?:,? \d{{4}})?|\d{{4}}-\d\d-\d\d|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?"
        rf"|{COUNT} days? from now)",
        True,
    ),
    (
        r"people|guest|party|person|seats",
        rf"\b({COUNT} (?:people|guests|persons|adults|person|of us|pax))\b"
        rf"|(?:for|of) ({COUNT})\b(?! ?(?:[ap]m|days|:))",
        True,
    ),
    (r"first.?name", rf"{CALLED} ({NAME})", False),
    (r"last.?name|surname", rf"{CALLED} {NAME} ([A-Z][\w-]{{1,40}})", False),
)
PATTERNS = tuple(
    (re.compile(names), re.compile(value, re.IGNORECASE if fold else 0)) for names, value, fold in _SOURCES
)


class Guess(NamedTuple):
    """Whether a pattern exists for the field's name, and the value it found."""

    known: bool
    value: str | None


def guess(name: str, text: str) -> Guess:
    """The first value in the text that looks like what the field's name asks for."""
    for names, pattern in PATTERNS:
        if names.search(name.lower()):
            found = pattern.search(text)
            return Guess(True, next(group for group in found.groups() if group) if found else None)
    return Guess(False, None)
