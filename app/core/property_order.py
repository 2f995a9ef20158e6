"""The order in which JSON schemas name their properties: models write an answer's members in it, so it is content."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PROPERTIES = "properties"


def property_order(content: Any) -> bytes:
    """What tells two orders of the properties within `content` apart; empty where no object called `properties` has two.

    The order of all other members is left out, and so is the order in which the objects themselves are met.
    """
    found = sorted(_orders(content, ()), key=lambda one: json.dumps(one[0]))
    return json.dumps(found).encode() if found else b""


def is_same_content(one: Any, other: Any) -> bool:
    """Whether two contents are equal in what they say and in the order of their properties, too."""
    return bool(one == other) and property_order(one) == property_order(other)


def common_order(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[str]]:
    """The names that both have, in the order of each."""
    return [name for name in before if name in after], [name for name in after if name in before]


def _orders(value: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], list[str]]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == PROPERTIES and isinstance(inner, Mapping) and len(inner) > 1:
                yield (*way, name), list(inner)
            yield from _orders(inner, (*way, name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _orders(inner, (*way, place))
