"""Outputs that hold JSON: reading them, and reaching into them."""

import re
from typing import Any

import orjson

from app.core.json_values import DEPTH

_FENCE = "```"
_LANGUAGE = re.compile(r"[a-zA-Z]*")
_STEP = re.compile(r"[^.\[\]]+")

ABSENT: Any = object()
"""What a path finds where there is nothing; null is something."""


class NoJson(Exception):
    """The output is not JSON; the message says where it goes wrong."""


def read_json(output: str, in_fence: bool) -> Any:
    """The value that an output holds, inside a Markdown fence too when `in_fence` allows it.

    Raises:
        NoJson: it holds none, or one that is nested deeper than values that are stored: no target is like it.
    """
    try:
        value = orjson.loads(without_fence(output) if in_fence else output)
    except orjson.JSONDecodeError as error:
        raise NoJson(f"not JSON: {error}") from None
    if output.count("[") + output.count("{") > DEPTH and _is_too_deep(value):
        raise NoJson(f"JSON that is nested deeper than {DEPTH} levels")
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return bool(level)


def without_fence(output: str) -> str:
    """What stands in a Markdown fence, if the whole text is one; else the text. By hand: an expression for it takes quadratic time on blank lines."""
    text = output.strip()
    first, line_end, rest = text.removeprefix(_FENCE).partition("\n")
    whole = text.startswith(_FENCE) and rest.endswith(_FENCE) and line_end
    return rest.removesuffix(_FENCE) if whole and _LANGUAGE.fullmatch(first.rstrip()) else output


def list_in(value: Any) -> Any:
    """The list that a text holds as JSON, because CSV knows nothing but texts; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return read_json(value, in_fence=False)
    except NoJson:
        return value


def reach(value: Any, path: str) -> Any:
    """What stands at `path`, such as `order.items[0].name`; ABSENT where nothing does."""
    for step in _STEP.findall(path):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and len(step) < 10 and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value
