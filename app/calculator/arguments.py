"""The kinds of arguments that statistics share: bounded lists of scores, counts and keys, each refused with what to do."""

from collections.abc import Callable
from math import isfinite
from typing import Annotated, Any, TypeVar

from pydantic import Field, PlainValidator, WithJsonSchema

from app.calculator.contract import Arguments

MOST = 100_000
"""Values in a list."""
MOST_ITEMS = 5_000
"""Items of what is resampled whole, such as queries and battles."""
LARGEST = 1e50
"""Sizes of numbers: their cubes are added up."""
LONGEST_KEY = 200
Key = str | int
T = TypeVar("T")


def number(value: Any) -> float:
    """A number that can be worked with; true is 1 and false 0."""
    if not isinstance(value, bool | int | float):
        raise ValueError(f"is {_shown(value)}: give a number, or true or false")  # noqa: TRY004 - pydantic reads ValueError
    if not isfinite(value) or abs(value) > LARGEST:
        raise ValueError(f"is {_shown(value)}: give a finite number of a size up to {LARGEST:g}")
    return float(value)


def score(value: Any) -> float | None:
    """A number, or None for a row without a score."""
    if value is None:
        return None
    if not isinstance(value, bool | int | float):
        raise ValueError(  # noqa: TRY004 - pydantic reads ValueError
            f"is {_shown(value)}: give a number, true or false, or null for a row without a score"
        )
    return number(value)


def key(value: Any) -> Key | None:
    """What names a cluster, a label or a system; None where there is none."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or len(value) > LONGEST_KEY:
        raise ValueError(
            f"is {_shown(value)}: give a text of at most {LONGEST_KEY} characters, or a whole number"
        )
    return value


def known_key(value: Any) -> Key:
    """As `key`, where null says nothing."""
    found = key(value)
    if found is None:
        raise ValueError("is null: leave the item out, or give it a text or a whole number")
    return found


def count(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**9:
        raise ValueError(f"is {_shown(value)}: give a whole number from 0 to 1,000,000,000")
    return value


def listed(item: Callable[[Any], T], most: int = MOST, least: int = 0) -> Callable[[Any], list[T]]:
    """The check of a list whose items pass `item`; its complaint names the first that does not."""

    def check(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise ValueError(f"is {_shown(value)}: give a list")  # noqa: TRY004 - pydantic reads ValueError
        if len(value) > most:
            raise ValueError(
                f"has {len(value):,} items: send at most {most:,}, such as a random part of them"
            )
        if len(value) < least:
            raise ValueError(f"has {len(value)} items: give at least {least}")
        return [at(item, one, f"item {place}") for place, one in enumerate(value)]

    return check


def at(item: Callable[[Any], T], value: Any, where: str) -> T:
    """Check one part, and say where it is when it is wrong."""
    try:
        return item(value)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def array(items: Any, most: int = MOST, **more: Any) -> dict[str, Any]:
    """The JSON schema of a list."""
    return {"type": "array", "items": items, "maxItems": most, **more}


_NUMBER = {"type": ["number", "boolean"]}
SCORE = {"type": ["number", "boolean", "null"]}
KEY = {"type": ["string", "integer", "null"]}
KNOWN_KEY = {"type": ["string", "integer"]}
COUNT = {"type": "integer", "minimum": 0}

Scores = Annotated[list[float | None], PlainValidator(listed(score)), WithJsonSchema(array(SCORE))]
Numbers = Annotated[list[float], PlainValidator(listed(number)), WithJsonSchema(array(_NUMBER))]
Keys = Annotated[list[Key | None], PlainValidator(listed(key)), WithJsonSchema(array(KEY))]
KnownKeys = Annotated[list[Key], PlainValidator(listed(known_key)), WithJsonSchema(array(KNOWN_KEY))]
CountList = Annotated[list[int], PlainValidator(listed(count)), WithJsonSchema(array(COUNT))]
Count = Annotated[int, PlainValidator(count), WithJsonSchema(COUNT)]
Finite = Annotated[float, PlainValidator(number), WithJsonSchema({"type": "number"})]
Confidence = Annotated[float, Field(ge=0.5, le=0.9999)]
Resamples = Annotated[int, Field(ge=100, le=10_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Effect = Annotated[float, Field(gt=0, le=1_000)]


class WithConfidence(Arguments):
    """Of every statistic that has an interval."""

    confidence: Confidence = 0.95
    """How sure the interval is: 0.95 for 95%."""


class WithClusters(WithConfidence):
    """Of rows that may belong together."""

    clusters: Keys | None = None
    """What each row belongs to (a document, a conversation, a template), in the order of the rows; null for a row that stands alone."""


def same_length(**lists: list[Any] | None) -> None:
    """Refuse lists that do not go together."""
    known = {name: len(found) for name, found in lists.items() if found is not None}
    if len(set(known.values())) > 1:
        told = ", ".join(f"`{name}` has {size:,}" for name, size in known.items())
        raise ValueError(
            f"The lists differ in length ({told}): give each row at the same place in all of them."
        )


def told(text: str | None) -> tuple[str, ...]:
    """A warning as a tuple of warnings."""
    return (text,) if text else ()
