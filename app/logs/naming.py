"""Whether a text stands as a whole value in JSON, however it is written there, or in JSON inside of its texts."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

_TELLING_DIGITS = 5
"""A number of fewer digits counts something, and names nobody."""
_ESCAPE = re.compile(r'\\u([\dA-Fa-f]{4})|\\(["/\\])')


def names(body: bytes, wanted: str) -> bool:
    """Whether `wanted` is one of the texts in this JSON, or the name of a member; where it is broken, whether it stands in
    quotes somewhere."""
    try:
        return any(_holds(said, wanted) for said in _texts(orjson.loads(body)))
    except (ValueError, RecursionError):
        return _quotes(_unescaped(body.decode(errors="replace")), wanted)


def _holds(said: str, wanted: str) -> bool:
    if said == wanted:
        return True
    # Spans say in one text what is an object elsewhere. An escaped one is as long as what it holds, or longer.
    if len(said) <= len(wanted) or not said.lstrip().startswith(("{", "[", "(")):
        return False
    try:
        return any(_holds(inner, wanted) for inner in _texts(orjson.loads(said)))
    except ValueError:  # broken off, or written as Python writes it
        return _quotes(_unescaped(said), wanted)


def _quotes(said: str, wanted: str) -> bool:
    if f'"{wanted}"' in said or f"'{wanted}'" in said:
        return True
    is_number = wanted.isdigit() and len(wanted) >= _TELLING_DIGITS
    return is_number and re.search(rf"(?<![\w.-]){wanted}(?![\w.])", said) is not None


def _unescaped(said: str) -> str:
    """A text without the escapes of JSON, also where they were escaped in turn."""
    while True:
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], said)
        if plain == said:
            return said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        said = plain


def _texts(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, int) and abs(one) >= 10 ** (_TELLING_DIGITS - 1):
            yield str(one)
        elif isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one
