"""Row ids and content hashes: what makes an id, and why the same content has the same one."""

import hashlib
import os
from collections.abc import Mapping
from typing import Any

import orjson

from app.core import clock
from app.core.errors import Invalid

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VERSION_DIGITS = 21  # 62**21 is about 2**125: what the original SDKs show, and enough never to collide
_ROW_DIGITS = 22  # 62**22 holds the 128 bits of a UUID


def base62(number: int, digits: int) -> str:
    """`number` in base 62, left-padded to `digits`; higher digits are cut off."""
    out = []
    for _ in range(digits):
        number, digit = divmod(number, 62)
        out.append(_ALPHABET[digit])
    return "".join(reversed(out))


def new_id(prefix: str) -> str:
    """A new row id: prefix, underscore, time-ordered UUIDv7 in base 62. Later ids sort after earlier ones."""
    milliseconds = int(clock.seconds() * 1000)
    random = int.from_bytes(os.urandom(10))
    number = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    number |= 0b10 << 62 | random & (1 << 62) - 1
    return f"{prefix}_{base62(number, _ROW_DIGITS)}"


def without_nulls(value: Any) -> Any:
    """`value` with every null member taken out of its objects, at any depth: null means absent."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value


def canonical_json(value: Any) -> bytes:
    """The bytes that stand for `value` in a hash: keys sorted, no spaces, null equal to absent.

    Raises:
        Invalid: it holds what JSON cannot carry, such as half of a surrogate pair or a number over 64 bits.
    """
    try:
        return orjson.dumps(without_nulls(value), option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError) as error:
        raise Invalid(f"The content cannot be stored as JSON: {error}") from error


def content_hash(*parts: bytes | str) -> str:
    """SHA-256 in hex over `parts`, kept apart by their lengths so that ("ab", "c") is not ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8))
        digest.update(data)
    return digest.hexdigest()


def content_id(prefix: str, *parts: bytes | str) -> str:
    """An id derived from content: prefix and 21 base-62 characters of SHA-256 over `parts`."""
    return f"{prefix}_{base62(int(content_hash(*parts), 16), _VERSION_DIGITS)}"
