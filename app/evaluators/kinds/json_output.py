"""Outputs that hold JSON: reading them, and reaching into them."""

import re
from typing import Any

import orjson

_FENCE = "```"
_LANGUAGE = re.compile(r"[a-zA-Z]*")
_STEP = re.compile(r"[^.\[\]]+")

ABSENT: Any = object()
"""What a path finds where there is nothing; null is something."""


class NoJson(Exception):
    """The output is not JSON; the message says where it goes wrong."""


def read_json(output: str, in_fence: bool) -> Any:
    """The value that an output holds, inside a Markdown fence too when `in_fence` allows it."""
    try:
        return orjson.loads(_inside(output) if in_fence else output)
    except orjson.JSONDecodeError as error:
        raise NoJson(f"not JSON: {error}") from None


def _inside(output: str) -> str:
    """What stands in the fence, if all is one. By hand: an expression for it takes quadratic time on blank lines."""
    text = output.strip()
    first, line_end, rest = text.removeprefix(_FENCE).partition("\n")
    whole = text.startswith(_FENCE) and rest.endswith(_FENCE) and line_end
    return rest.removesuffix(_FENCE) if whole and _LANGUAGE.fullmatch(first.rstrip()) else output


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
