"""Outputs that hold JSON: reading them, and reaching into them."""

import re
from typing import Any

import orjson

_FENCE = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
_STEP = re.compile(r"[^.\[\]]+")

ABSENT: Any = object()
"""What a path finds where there is nothing; null is something."""


class NoJson(Exception):
    """The output is not JSON; the message says where it goes wrong."""


def read_json(output: str, in_fence: bool) -> Any:
    """The value that an output holds, inside a Markdown fence too when `in_fence` allows it."""
    fenced = _FENCE.fullmatch(output) if in_fence and output.rstrip().endswith("```") else None
    try:
        return orjson.loads(fenced[1] if fenced else output)
    except orjson.JSONDecodeError as error:
        raise NoJson(f"not JSON: {error}") from None


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
