"""Values of spans, which all went through `str()`. Pure."""

import ast
from collections.abc import Mapping
from typing import Any

import orjson

_LONGEST = 10_000
_IN_TYPESCRIPT = {"true": "True", "false": "False"}
"""Not null: that leaves no key, and is the name of a type in JSON schemas."""


class Unreadable(ValueError):
    """A body, or one span of it, that is no log; the message says why."""


def object_at(tree: Mapping[str, Any], way: str) -> dict[str, Any]:
    """What stands at a dotted name of a tree; empty where that is no object."""
    at: Any = tree
    for part in way.split("."):
        at = at.get(part) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else {}


def typed(value: Any) -> Any:
    """What a text was before it went through `str()`, or `toString()` in TypeScript: a number, a truth value, a tuple;
    texts stay. In trees, too."""
    if isinstance(value, dict):
        return {name: typed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    if not isinstance(value, str) or len(value) > _LONGEST or value[:1] not in "TFNtf([{-.0123456789":
        return value
    try:
        meant = ast.literal_eval(_IN_TYPESCRIPT.get(value, value))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    try:
        return orjson.loads(orjson.dumps(meant))  # tuples are lists in JSON; what JSON has not stays a text
    except (TypeError, orjson.JSONEncodeError):
        return value


def number_of(value: object) -> int | None:
    """A whole number, however it was written; None where it is none."""
    try:
        return int(value) if isinstance(value, str) and value.isdecimal() else int(float(str(value)))
    except (ValueError, OverflowError):
        return None
