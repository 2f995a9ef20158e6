"""How a comment names people: `@` and a name as it is written, `@[id]` as it is kept."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.core.errors import Invalid

MOST_MENTIONED = 20
GONE = "Deleted person"
_AT = re.compile(r"(?<![A-Za-z0-9\u00c0-\u024f_.+/=&?#-])@")
"""No part of an address. Chinese, Japanese and Korean have no spaces before it."""
_GOES_ON = re.compile(r"-?\w")
_WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Letters that may stand right behind a name, and names that may stand right before a letter."""
_KEPT = re.compile(r"@\[(\w{1,200})\]")
_PARTS = re.compile(r"@\[(\w{1,200})\]|(https?://[^\s<>\"'`]+)", re.IGNORECASE)
_ENDS_A_SENTENCE = ".,:;!?…"


class Person(NamedTuple):
    """Somebody who can be mentioned."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a comment as it is shown."""

    kind: Literal["text", "mention", "link"]
    text: str


class Read(NamedTuple):
    """What somebody wrote."""

    body: str
    """As it is kept."""
    mentioned: Sequence[str]
    """The ids of those whom it names, each once."""


def read(text: str, people: Sequence[Person], known: Collection[str] = ()) -> Read:
    """Find whom `text` mentions: `@` and a whole name of `people`, or a first name that only one of them has, in letters of
    either case; or an id in brackets, of `people` or of `known`. Those of one whole name are all meant. What names nobody
    stays as it is.

    Raises:
        Invalid: a first name is several people's, or more than `MOST_MENTIONED` are named.
    """
    names = _Names(people)
    ids = {person.id for person in people} | set(known)
    mentioned: dict[str, None] = {}
    body: list[str] = []
    done = 0
    links = [found.span() for found in _PARTS.finditer(text) if found[2]]
    for found in _AT.finditer(text):
        at = found.start()
        if at < done or any(start < at < end for start, end in links):
            continue
        end, said = at, [kept[1]] if (kept := _KEPT.match(text, at)) and kept[1] in ids else []
        if said and kept:
            end = kept.end()
        elif match := names.at(text, at + 1):
            end, said = match
        if said:
            mentioned |= dict.fromkeys(said)
            body += [text[done:at], " ".join(f"@[{person}]" for person in said)]
            done = end
    if len(mentioned) > MOST_MENTIONED:
        raise Invalid(f"A comment mentions up to {MOST_MENTIONED} people.")
    return Read("".join([*body, text[done:]]), list(mentioned))


class _Names:
    """The names of people, by their first letters, the longest first."""

    def __init__(self, people: Sequence[Person]) -> None:
        whole: dict[str, list[str]] = {}
        first: dict[str, list[Person]] = {}
        for person in people:
            if name := person.name.strip():
                whole.setdefault(_small(name), []).append(person.id)
                first.setdefault(_small(name.split()[0]), []).append(person)
        self._whole = whole
        self._first = {name: found for name, found in first.items() if name not in whole}
        self._by_letter: dict[str, list[str]] = {}
        for name in sorted({*whole, *self._first}, key=len, reverse=True):
            self._by_letter.setdefault(name[0], []).append(name)

    def at(self, text: str, start: int) -> tuple[int, list[str]] | None:
        """The end of the longest name that begins at `start`, and whose it is."""
        for name in self._by_letter.get(_small(text[start : start + 1]), ()):
            end = start + len(name)
            if _small(text[start:end]) == name and not _goes_on(text, end):
                return end, self._ids_of(name)
        return None

    def _ids_of(self, name: str) -> list[str]:
        if name in self._whole:
            return self._whole[name]
        found = self._first[name]
        if len(found) > 1:
            which = " or ".join(sorted({person.name for person in found})[:3])
            raise Invalid(f"“@{found[0].name.split()[0]}” may be {which}: write the whole name.")
        return [found[0].id]


def _small(text: str) -> str:
    """In small letters, and as long as before: “İ” has none of one letter."""
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


def _goes_on(text: str, end: int) -> bool:
    """Whether a name that ends here is the beginning of a longer word: Ann of Anna, and of Ann-Marie."""
    around = text[end - 1 : end], text[end : end + 1]
    return _GOES_ON.match(text, end) is not None and not any(map(_WITHOUT_SPACES.match, around))


def pieces(body: str, names: Mapping[str, str]) -> Iterator[Piece]:
    """A comment as it is shown: texts, names by `names`, and addresses that a click follows. Only `http` and `https` are."""
    done = 0
    for found in _PARTS.finditer(body):
        person, address = found.groups()
        if person and person not in names:
            continue
        said = _without_end(address) if address else f"@{names[person]}"
        if before := body[done : found.start()]:
            yield Piece("text", before)
        yield Piece("link" if address else "mention", said)
        done = found.start() + len(said) if address else found.end()
    if rest := body[done:]:
        yield Piece("text", rest)


def _without_end(address: str) -> str:
    """An address without what ends the sentence that it stands in."""
    address = address.rstrip(_ENDS_A_SENTENCE)
    if address.endswith(")") and "(" not in address:
        address = address[:-1].rstrip(_ENDS_A_SENTENCE)
    return address


def plain(body: str, names: Mapping[str, str]) -> str:
    """A comment as a plain text, with the names of those whom it mentions."""
    return "".join(piece.text for piece in pieces(body, names))


def written(body: str, names: Mapping[str, str], people: Sequence[Person]) -> str:
    """A comment as its author edits it: with names where they find the same people again, else with ids."""
    there = {person.id: person.name for person in people if names.get(person.id) == person.name}
    return _KEPT.sub(lambda kept: f"@{there[kept[1]]}" if kept[1] in there else kept[0], body)
