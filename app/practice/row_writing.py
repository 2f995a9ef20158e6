"""Rows for a dataset, where Whetstone asks for some: made of the rows that the prompt shows, half of one and half of another.

It makes nothing up, so such rows exercise the way through drafts, marks and counts, and test no model.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

import orjson

from app.practice.reading import Message

_ASKED = re.compile(r"^Write (\d{1,4}) new rows? for a dataset, ")
_MEMBERS = re.compile(r"has these members: (.+)\.$", re.MULTILINE)
_NAME = re.compile(r'"([^"]+)"')
_PART = re.compile(r"This is part (\d{1,6}) of")
_TARGET = "target."
Json = dict[str, Any]


def write_rows(messages: Sequence[Message]) -> str | None:
    """The rows that the last message asks for, as a JSON array; None where it asks for none."""
    text = messages[-1][1]
    asked, members = _ASKED.match(text), _MEMBERS.search(text)
    if asked is None or members is None:
        return None
    part = _PART.search(text)
    names = _NAME.findall(members.group(1))
    shown = [row for _, said in messages for row in _shown(said, names)]
    made = islice(_rows(names, shown, part.group(1) if part else "1"), int(asked.group(1)))
    return orjson.dumps(list(made)).decode()


def _shown(text: str, names: Sequence[str]) -> Iterator[Json]:
    """The rows that stand in a text, one a line."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(row, dict) and any(name in row for name in names):
                yield row


def _rows(names: Sequence[str], shown: Sequence[Json], part: str) -> Iterator[Json]:
    """Every pair of rows once, and then again with a number behind."""
    for number in count(1):
        place, turn = (number - 1) % max(1, len(shown)), (number - 1) // max(1, len(shown)) + 1
        base = shown[place] if shown else {}
        other = shown[(place + turn) % len(shown)] if shown else {}
        mark = "" if turn < len(shown) else f" ({part}.{number})"
        yield {name: _value(name, base, other, mark) for name in names}


def _value(name: str, base: Json, other: Json, mark: str) -> Any:
    held = base.get(name)
    if held is None:
        return "unknown" if name.startswith(_TARGET) else f"Something to say{mark}"
    if name.startswith(_TARGET) or not isinstance(held, str):
        return held
    words, further = held.split(), str(other.get(name) or held).split()
    return " ".join([*words[: -(-len(words) // 2)], *further[len(further) // 2 :]]) + mark
