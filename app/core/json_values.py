"""What JSON that people send must be like to be stored, and to come back as it was."""

import math
from typing import Any

DEPTH = 100
"""Objects and lists within each other; serialisers and recursive code reach further."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1


def unstorable(value: Any) -> str | None:
    """Why a parsed JSON value cannot be stored as it is, and what to do about it; None where it can."""
    level: list[Any] = [value]
    for _ in range(DEPTH + 1):
        inner: list[Any] = []
        for item in level:
            if problem := _problem(item):
                return problem
            if isinstance(item, dict):
                inner.extend(item)
                inner.extend(item.values())
            elif isinstance(item, list | tuple):
                inner.extend(item)
        if not inner:
            return None
        level = inner
    return f"It is nested deeper than {DEPTH} levels: flatten it, or store it as a text."


def _problem(item: Any) -> str | None:
    if isinstance(item, str):
        if "\x00" in item:
            return "A text holds a NUL character, which cannot be stored: remove it."
        if not item.isascii() and any("\ud800" <= character <= "\udfff" for character in item):
            return "A text holds half of a surrogate pair, which cannot be stored: remove it."
    elif isinstance(item, float):
        if not math.isfinite(item):
            return "NaN and Infinity are no JSON: leave the member out, or write it as a text."
    elif isinstance(item, int) and not SMALLEST <= item <= LARGEST:
        return f"The number {str(item)[:30] if item.bit_length() < 1000 else '…'} is too large: write it as a text."
    return None
