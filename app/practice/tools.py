"""Tool calls: the tool whose words share most with the text, its arguments taken from the text."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from app.practice.checks import as_list, as_object
from app.practice.patterns import guess
from app.practice.text import content, index
from app.practice.tokens import Token, tokens

TEXT_CHARACTERS = 4_000
LEAST_SHARE = 0.12
"""Of the text's content words that the tool's description must hold before it is called."""

QUOTED = re.compile(r"(?:^|\s)[\"'“‘]([^\"”\n]{1,200}?)[\"'”’](?=\W|$)")
NAMES = re.compile(r"\b[A-Z][\w&.'-]*(?:,? (?:of the |of |the |and )?[A-Z0-9][\w&.'-]*)*")
NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?")
DATE = re.compile(r"([A-Z][a-z]{2})[a-z]* (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
BLANKS: dict[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "object": {},
}

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; the arguments are JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Source:
    """A text from which arguments are taken; no value serves two parameters."""

    text: str
    tokens: tuple[Token, ...]
    used: set[object] = field(default_factory=set)

    def near(self, at: int, cues: list[int]) -> float:
        """Tokens between a place and the nearest cue; before the cue counts a little further."""
        return min(abs(at - cue) + 0.4 * (at < cue) for cue in cues)


def kind_of(spec: Schema) -> str:
    """The schema's type; of several, the first that is not null."""
    given = spec.get("type", "string")
    kinds = given if isinstance(given, list) else [given]
    return next((kind for kind in kinds if isinstance(kind, str) and kind != "null"), "string")


def as_number(text: str, kind: str) -> int | float:
    """The first number in a text; 12% is .12 for a 'number'; whole numbers come as int."""
    found = NUMBER.search(text.replace(",", ""))
    value = float(found[0]) if found else 0.0
    if kind == "number" and re.search(r"\d%", text):
        value /= 100
    return int(value) if kind == "integer" or value.is_integer() else value


def _iso_date(text: str) -> str:
    """'March 8th, 2023' as '2023-03-08'; anything else as it stands."""
    found = DATE.fullmatch(text)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(found[1]) // 3 + 1 if found else 0
    return f"{found[3]}-{month:02}-{int(found[2]):02}" if found and month else text


def _said(option: object, text: str) -> bool:
    """Whether an option of an enumeration starts a word of the text."""
    name, low = str(option).lower(), text.lower()
    at = low.find(name)
    while name and at >= 0:
        if at == 0 or not low[at - 1].isalnum():
            return True
        at = low.find(name, at + 1)
    return False


def _numbers(source: Source, kind: str) -> list[int | float]:
    return [as_number(token.text, kind) for token in source.tokens if any(c.isdigit() for c in token.text)]


def _number(source: Source, kind: str, cues: list[int]) -> int | float | None:
    """The number nearest to the parameter's own words that no other parameter took."""
    places = [i for i, token in enumerate(source.tokens) if any(c.isdigit() for c in token.text)]
    free = [i for i in places if i not in source.used]
    if not free:
        return None
    best = min(free, key=lambda i: source.near(i, cues))
    source.used.add(best)
    return as_number(source.tokens[best].text, kind)


def _list(source: Source, spec: Schema) -> list[Any] | None:
    items = as_object(spec.get("items"))
    if isinstance(items.get("enum"), list):
        text = source.text
        return [o for o in items["enum"] if _said(o, text) or _said(str(o).replace("_", " "), text)] or None
    if kind_of(items) in {"integer", "number"}:
        return _numbers(source, kind_of(items)) or None
    if kind_of(items) != "string":
        return None
    names = (part for m in NAMES.finditer(source.text) if m.start() for part in re.split(r",? and |, ", m[0]))
    return QUOTED.findall(source.text) or list(names) or None


def _string(name: str, source: Source, cues: list[int], own_words: set[str]) -> str | None:
    """A value by pattern, in quotes, a capitalised name near the cue, or the word after it; in this order."""
    known, value = guess(name, source.text)
    quoted = next((q for q in QUOTED.findall(source.text) if q not in source.used), None)
    starts = {token.start: i for i, token in enumerate(source.tokens)}
    names = [m for m in NAMES.finditer(source.text) if m.start() and m[0] not in source.used]
    value = value or quoted
    if value is None and names and not known:
        nearest = min(names, key=lambda m: source.near(starts.get(m.start(), len(starts)), cues))
        value = nearest[0].rstrip(".'")
    if value is None:
        after = (
            t
            for cue in cues
            if source.tokens[cue].stem in own_words
            for t in source.tokens[cue + 1 : cue + 3]
        )
        value = next((t.text for t in after if t.is_content and t.stem not in own_words), None)
    if value:
        source.used.add(value)
    return value


def argument(name: str, spec: Schema, source: Source, *, required: bool) -> Any:
    """A value for one parameter out of the text, or None."""
    if isinstance(spec.get("enum"), list):
        said = [option for option in spec["enum"] if _said(option, source.text)]
        return max(said, key=lambda option: len(str(option)), default=None)
    mentioned = not set(content(name)).isdisjoint(token.stem for token in source.tokens)
    if kind_of(spec) == "boolean":
        return True if mentioned else None
    return _taken(name, spec, source) if source.tokens and (required or mentioned) else None


def _taken(name: str, spec: Schema, source: Source) -> Any:
    """The value nearest to the words of the parameter's name and description."""
    kind, own_words = kind_of(spec), set(content(name)) | set(content(str(spec.get("description", ""))))
    cues = [i for i, token in enumerate(source.tokens) if token.stem in own_words] or [0]
    if kind in {"integer", "number"}:
        return _number(source, kind, cues)
    if kind == "array":
        return _list(source, spec)
    if kind != "string":
        return None
    value = _string(name, source, cues, own_words)
    return _iso_date(value) if value and "YYYY-MM-DD" in str(spec.get("description", "")) else value


def _parameters(tool: Schema) -> dict[str, Schema]:
    found = as_object(as_object(tool.get("parameters")).get("properties"))
    return {name: spec for name, spec in found.items() if isinstance(spec, dict)}


def _words_of(tool: Schema) -> str:
    about = (f"{name} {spec.get('description', '')}" for name, spec in _parameters(tool).items())
    return " ".join([tool["name"], tool["name"], str(tool.get("description") or ""), *about])


def choose_call(text: str, tools: list[Schema], *, forced: bool) -> Call | None:
    """A call of the tool that shares most words with the text.

    None when no tool fits or a required value is not in the text, unless a call is forced: then the values that
    are missing stay blank.
    """
    text = text[-TEXT_CHARACTERS:]
    documents = [_words_of(tool) for tool in tools]
    asked = set(content(text))
    shares = [len(asked & set(content(document))) / (len(asked) or 1) for document in documents]
    best = int(np.argmax(index(tuple(documents)).scores(text))) if len(tools) > 1 else 0
    if shares[best] < LEAST_SHARE and not forced:
        return None
    tool, source, out = tools[best], Source(text, tokens(text)), dict[str, Any]()
    required = as_list(as_object(tool.get("parameters")).get("required"))
    for name, spec in _parameters(tool).items():
        value = argument(name, spec, source, required=name in required)
        if value is None and name in required:
            if not forced and kind_of(spec) != "boolean":
                return None
            value = BLANKS.get(kind_of(spec))
        if value is not None:
            out[name] = value
    return Call(tool["name"], orjson.dumps(out).decode())
