"""What JSON that people send must be like to be stored, and to come back as it was. The one place for its limits."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

DEPTH = 100
"""Objects and lists within each other; serialisers and recursive code reach further."""
FIELD_MIB = 5
"""One text; counted in characters."""
VALUES = 250_000
"""Members of objects and items of lists, all together: each costs a hundred times its bytes in time and memory."""
_TOO_MANY = f"It holds more than {VALUES:,} values: send it in parts."
NO_JSON = object()
"""In the place of a value: there was no JSON, or nobody has looked through it."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""Also one that does not end, to the end: it must not be tried again from each of its quotes."""
_DIGITS = bytes.maketrans(b"0123456789", b"0" * 10)
_PIECE = 64 * 1024
_LONG_NUMBER = b"0" * 19
"""In a text of which each digit was made 0; ten times as quick as an expression."""
_HOLD_OTHERS = (dict, list, tuple)
_MEMBER = re.compile(rb'"\s*:')


class NotStorable(Exception):
    """The text is no JSON, or holds what cannot be kept as it is; the message says what, where, and what to do."""

    def __init__(self, message: str, way: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.way = way
        """The members, and numbers of items, that lead to the value; empty where the message says it by line and column."""


def loads(text: str | bytes) -> Any:
    """Read JSON in UTF-8 that will be stored.

    Refused is what another reader, Postgres or our hashes would change: NaN, infinities, half surrogate pairs, NUL
    characters, numbers beyond 64 bits, members given twice, nesting deeper than `DEPTH`, texts over `FIELD_MIB`.

    Raises:
        NotStorable: with a message that says how to fix it.
    """
    said = _bytes(text)
    if len(said) > VALUES and _separators(said) > VALUES and _separators(_TEXT.sub(b"", said)) > VALUES:
        raise NotStorable(_TOO_MANY)  # before it is read: values in memory are thirty times their bytes
    try:
        value = orjson.loads(text)  # refuses NaN, infinities and half surrogate pairs itself
    except orjson.JSONDecodeError as error:
        raise NotStorable(f"not valid JSON: {error}") from None
    if _has_long_number(said):
        _refuse_large_numbers(said)  # orjson makes a float of a larger number, without a word
    problem, members = _shape_of(value)
    if problem:
        raise NotStorable(problem, _way_too_deep(value))
    if (len(said) > FIELD_MIB << 20 or b"\\u0000" in said) and (found := _find_problem(value)):
        raise NotStorable(*found)
    if len(_MEMBER.findall(said)) != members:  # one was given twice, or a text looks like one
        json.loads(said, object_pairs_hook=_given_once)
    return value


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _has_long_number(text: bytes) -> bool:
    """Looked for piece by piece: a copy of the whole would be as large as a body, and glibc keeps what was once so large."""
    return any(
        _LONG_NUMBER in text[max(0, at - len(_LONG_NUMBER)) : at + _PIECE].translate(_DIGITS)
        for at in range(0, len(text), _PIECE)
    )


def _separators(text: bytes) -> int:
    """At least as many as there are values, less one, where texts hold none of these characters."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def unstorable(value: Any) -> str | None:
    """Why a parsed JSON value cannot be stored as it is, and what to do about it; None where it can."""
    problem, _ = _shape_of(value)
    if problem:
        return problem
    try:
        text = orjson.dumps(value)
    except TypeError:
        text = None
    # orjson writes NaN as null. Long texts, NUL and null may be harmless: then the value is looked through, and passes.
    odd = text is None or len(text) > FIELD_MIB << 20 or b"null" in text or b"\\u0000" in text
    found = _find_problem(value) if odd else None
    return found[0] if found else None


def _shape_of(value: Any) -> tuple[str | None, int]:
    """Whether it is too deep or too much, and how many members its objects have, all together. Only objects and lists are
    visited: every body comes by here.
    """
    count = members = 0
    level = [value] if isinstance(value, _HOLD_OTHERS) else []
    for _ in range(DEPTH + 1):
        if not level:
            return None, members
        inner: list[Any] = []
        for item in level:
            count += len(item)
            if isinstance(item, dict):
                members += len(item)
            for each in item.values() if isinstance(item, dict) else item:
                if isinstance(each, _HOLD_OTHERS):
                    inner.append(each)  # noqa: PERF401 - a list made for each object takes half as long again
        if count > VALUES:
            return _TOO_MANY, members
        level = inner
    return f"It is nested deeper than {DEPTH} levels: flatten it, or store it as a text.", members


def _way_too_deep(value: Any) -> list[str]:
    """The way to an object or list that is nested too deep; empty where none is."""
    left: list[tuple[Any, _Way, int]] = [(value, None, 1)]
    while left:
        item, way, depth = left.pop()
        if depth > DEPTH:
            return _steps(way)
        inside = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        left += [(each, (way, step), depth + 1) for step, each in inside if isinstance(each, dict | list)]
    return []


def _find_problem(value: Any) -> tuple[str, list[str]] | None:
    """What is wrong with one of the texts or numbers in a value that is not too deep, and the way to it."""
    level = [value]
    while level:  # the ways of a million values would take more memory than the values: few bodies need one
        if any(map(_problem, level)):
            return _way_to_problem(value)
        level = [each for item in level for each in _inside(item)]
    return None


def _inside(item: Any) -> Iterable[Any]:
    """The names and values that an object holds, or the values that a list does."""
    if isinstance(item, dict):
        return itertools.chain(item, item.values())
    return item if isinstance(item, list | tuple) else ()


def _way_to_problem(value: Any) -> tuple[str, list[str]] | None:
    level: list[tuple[Any, _Way]] = [(value, None)]
    while level:
        inner: list[tuple[Any, _Way]] = []
        for item, way in level:
            if problem := _problem(item):
                return problem, _steps(way)
            if isinstance(item, dict):
                inner.extend((name, way) for name in item)  # what is wrong with a name is its object's
                inner.extend((each, (way, name)) for name, each in item.items())
            elif isinstance(item, list | tuple):
                inner.extend((each, (way, number)) for number, each in enumerate(item))
        level = inner
    return None


_Way = tuple[Any, object] | None
"""To a value: that to what holds it, and its name or number there."""


def _steps(way: _Way) -> list[str]:
    steps = []
    while way:
        way, step = way
        steps.append(str(step))
    return steps[::-1]


def _problem(item: Any) -> str | None:
    if isinstance(item, str):
        if len(item) > FIELD_MIB << 20:
            return f"A text is larger than {FIELD_MIB} MiB: split it."
        if "\x00" in item:
            return "A text holds a NUL character (\\u0000), which cannot be stored: remove it."
        if not item.isascii() and any("\ud800" <= character <= "\udfff" for character in item):
            return "A text holds half of a surrogate pair, which cannot be stored: remove it."
    elif isinstance(item, float):
        if not math.isfinite(item):
            return "NaN and Infinity are no JSON: leave the member out, or write it as a text."
    elif isinstance(item, int) and not SMALLEST <= item <= LARGEST:
        return f"The number {str(item)[:30] if item.bit_length() < 1000 else '…'} is too large: write it as a text."
    return None


def _refuse_large_numbers(said: bytes) -> None:
    try:
        json.loads(said, parse_int=_checked_int)
    except NotStorable as error:
        # Read once more for the way: the first digits of such a number are too large, too.
        found = _way_to_problem(json.loads(said, parse_int=lambda digits: int(digits[:40])))
        raise NotStorable(*(found or (str(error), ()))) from None


def _checked_int(digits: str) -> int:
    if len(digits) > 20 or not SMALLEST <= int(digits) <= LARGEST:
        raise NotStorable(f"The number {digits[:30]} is too large: write it as a text.")
    return int(digits)


def _given_once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise NotStorable(f"The member “{name[:100]}” is given twice: only one could be kept.")
        seen.add(name)
