"""How large a value is as JSON, told before it is written: making it only to throw it away takes seconds and its size again."""

from collections.abc import Mapping
from typing import Any


def json_bytes(value: Any, most: int) -> int:
    """A number of bytes that its JSON has at least. It is not looked further once that is over `most`."""
    found, left = 0, [value]
    while left and found <= most:
        one = left.pop()
        if isinstance(one, str):
            found += len(one) + 2
        elif isinstance(one, Mapping):
            found += 2 + sum(len(name) + 4 for name in one if isinstance(name, str))
            left += one.values()
        elif isinstance(one, list | tuple):
            found += 2 + len(one)
            left += one
        else:
            found += 1
    return found
