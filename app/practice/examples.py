"""The worked examples in a prompt: repeated 'Key: value' pairs, 'text -> answer' lines, JSON lines."""

from collections import Counter
from typing import NamedTuple

import orjson

from app.practice.parts import Part

Pair = tuple[str, str]
Pairs = tuple[Pair, ...]

ARROWS = ("->", "=>", "→", "\t", " | ")


class Examples(NamedTuple):
    """(input, answer) pairs, and the input that stands among them without an answer."""

    pairs: Pairs = ()
    unanswered: str | None = None


def _arrow(line: str) -> Pair | None:
    for sign in ARROWS:
        if sign == " | " and (
            line.count(sign) > 1 or line.startswith("|")
        ):  # a list within a line, or a table
            continue
        left, found, right = line.rpartition(sign)
        left, right = left.strip(" \t-*•\"“”'"), right.strip(' \t"“”')
        if found and left and right:
            return left, right
    return None


def _record(line: str) -> Pair | None:
    """The first and the last text of a line that is a JSON object, as in a training file."""
    if not (line.startswith("{") and line.rstrip().endswith("}")):
        return None
    try:
        values = [value for value in orjson.loads(line).values() if isinstance(value, str)]
    except orjson.JSONDecodeError:
        return None
    return (values[0], values[-1]) if len(values) >= 2 else None


def _cycle(parts: tuple[Part, ...]) -> tuple[str, str] | None:
    """The names of input and answer: of the names that come round again, the first that is no passage, and the last."""
    count = Counter(part.name for part in parts)
    start = next((i for i, part in enumerate(parts) if count[part.name] >= 2), None)
    if start is None:
        return None
    again = next(i for i in range(start + 1, len(parts)) if parts[i].name == parts[start].name)
    cycle = parts[start:again]
    inputs = [part.name for part in cycle[:-1] if not part.is_passage or len(cycle) == 2]
    return (inputs[0], cycle[-1].name) if inputs else None


def _key_pairs(parts: tuple[Part, ...]) -> Examples:
    names = _cycle(parts)
    if names is None:
        return Examples()
    done: list[Pair] = []
    waiting: Part | None = None
    asked = 0
    for part in parts:
        if part.name == names[0]:
            waiting = part
            asked += 1
        elif part.name == names[1] and waiting and part.text:
            done.append((waiting.text, part.head))
            waiting = None
    if len(done) < max(1, asked - 1):
        return Examples()
    return Examples(tuple(done), waiting.head if waiting else None)


def read_examples(parts: tuple[Part, ...], text: str) -> Examples:
    """The examples in a text; at least two, except that one is enough when its keys come again unanswered."""
    keyed = _key_pairs(parts)
    if keyed.pairs:
        return keyed
    lines = text.split("\n")
    found = tuple(pair for line in lines if (pair := _record(line))) if "{" in text else ()
    if not found and any(sign in text for sign in ARROWS):
        found = tuple(pair for line in lines if (pair := _arrow(line)))
    return Examples(found) if len(found) >= 2 else Examples()
