"""The named parts of a prompt: 'Key: value' lines, <tag>…</tag> and fenced blocks."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from app.practice.memory import remembered

KEY = re.compile(
    r"^[ \t]*(?:#+ |\*\*)?([A-Za-z][\w '/()-]{0,38}?(?: ?\d+)?)(?:\*\*)?:(?:\*\*)?(?=\s|$)[ \t]*",
    re.MULTILINE,
)
TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)(?:\s[^<>]*)?>")
PASSAGE = re.compile(
    r"context|passage|paragraph|document|article|source|background|excerpt|text|material|information|notes?"
    r"|page|facts"
)
QUESTION = re.compile(r"question|query|^q$|ask")
KNOWN = re.compile(
    r"question|query|^[qa]\d?$|ask|answer|response|output|reply|summary|reference|expected|target|label|categor|intent"
    r"|class|topic|message|input|task|instruction|context|passage|document|article|format|rule|criteri"
)
REFERENCE = re.compile(r"reference|expected|gold|ideal|truth|target|correct answer|^solution")
CANDIDATE = re.compile(
    r"answer|response|output|candidate|completion|prediction|submission|generation|reply|summary"
)
FENCES = ('"""', "```", "'''")
LANGUAGE = re.compile(r"\w{0,20}\n")


class Part(NamedTuple):
    """A named stretch of a prompt; `closed` when its end is marked, so that blank lines belong to it."""

    name: str
    text: str
    closed: bool

    @property
    def head(self) -> str:
        """The text, cut at the first blank line unless the end is marked."""
        return self.text if self.closed else self.text.split("\n\n")[0]

    @property
    def is_passage(self) -> bool:
        """Whether its name is that of a text to read."""
        return bool(PASSAGE.search(self.name))

    @property
    def is_question(self) -> bool:
        """Whether its name is that of a question."""
        return bool(QUESTION.search(self.name))

    @property
    def is_reference(self) -> bool:
        """Whether a judge compares with it."""
        return bool(REFERENCE.search(self.name))

    @property
    def is_candidate(self) -> bool:
        """Whether a judge judges it."""
        return bool(CANDIDATE.search(self.name)) and not self.is_reference


def _tagged(text: str) -> Iterator[tuple[int, Part]]:
    """The contents of closed tags. One pass with a stack, so that no input makes it slow."""
    opened: dict[str, list[re.Match[str]]] = {}
    for tag in TAG.finditer(text):
        name = tag[2].lower()
        if not tag[1]:
            opened.setdefault(name, []).append(tag)
        elif opened.get(name):
            start = opened[name].pop()
            yield start.start(), Part(name, text[start.end() : tag.start()].strip(), closed=True)


def _fenced(text: str) -> Iterator[tuple[int, Part]]:
    for fence in FENCES:
        start = text.find(fence)
        while start >= 0 and (end := text.find(fence, start + 3)) >= 0:
            inside = text[start + 3 : end]
            if fence == "```" and (language := LANGUAGE.match(inside)):
                inside = inside[language.end() :]
            if inside.strip():
                yield start, Part("text", inside.strip(), closed=True)
            start = text.find(fence, end + 3)


def _keys(text: str) -> list[re.Match[str]]:
    """The 'Key:' heads. One that comes once within a passage, and names no known part, is the passage's own text."""
    found = list(KEY.finditer(text))
    count = Counter(key[1].lower() for key in found)
    kept: list[re.Match[str]] = []
    for key, end in zip(found, [*(k.start() for k in found[1:]), len(text)], strict=False):
        name = key[1].lower()
        own = count[name] == 1 and not KNOWN.search(name) and text[key.end() : end].strip()
        if not (own and kept and PASSAGE.search(kept[-1][1].lower())):
            kept.append(key)
    return kept


def _keyed(text: str) -> Iterator[tuple[int, Part]]:
    """The 'Key: value' stretches. A value that is all tag is left to the tag, one that starts fenced is the fence's."""
    keys = _keys(text)
    for key, end in zip(keys, [*(k.start() for k in keys[1:]), len(text)], strict=False):
        name, value = key[1].strip().lower(), text[key.end() : end].strip()
        fence, tag = value[:3], TAG.match(value) if value[:1] == "<" else None
        if fence in FENCES and fence in value[3:]:
            yield key.start(), Part(name, value[3 : value.find(fence, 3)].strip(), closed=True)
        elif not (tag and value.endswith(f"</{tag[2]}>")):
            yield key.start(), Part(name, value, closed=False)


@remembered()
def read_parts(text: str) -> tuple[Part, ...]:
    """The prompt's named parts in their order; names in lower case."""
    found = [*_tagged(text), *_fenced(text), *_keyed(text)]
    return tuple(part for _, part in sorted(found, key=lambda entry: entry[0]))
