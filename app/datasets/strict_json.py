"""JSON that can be stored and comes back equal: what Postgres or our hashes would change is refused."""

import json
import re
from typing import Any

import orjson

DEPTH = 100  # objects and lists within each other
_LONG_NUMBER = re.compile(r"\d{19}")
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


class NotStorable(Exception):
    """The text is no JSON, or holds what cannot be kept as it is; the message says what and where."""


def loads(text: str) -> Any:
    """Read JSON. NaN, infinities, lone surrogates, NUL characters, numbers beyond 64 bits and depth are refused.

    Raises:
        NotStorable: with a message that says how to fix it.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotStorable(f"not valid JSON: {error}") from None
    if _LONG_NUMBER.search(text):
        json.loads(text, parse_int=_checked_int)
    if "\\u0000" in text and _has_nul(value):
        raise NotStorable("a text holds a NUL character (\\u0000), which cannot be stored: remove it")
    if text.count("[") + text.count("{") > DEPTH and _depth(value) > DEPTH:
        raise NotStorable(f"nested deeper than {DEPTH} levels")
    return value


def _checked_int(digits: str) -> int:
    """orjson would turn a larger number into a float, without a word."""
    if len(digits) > 20 or not _SMALLEST <= int(digits) <= _LARGEST:
        raise NotStorable(f"the number {digits[:30]} is too large: write it as a text")
    return int(digits)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


def _depth(value: Any) -> int:
    """How deep objects and lists are nested; orjson refused more than 1,024, so that recursion is not needed."""
    deepest, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, dict | list)]:
        deepest += 1
        level = [item for inner in level for item in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest
