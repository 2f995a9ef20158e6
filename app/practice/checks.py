"""Checks on the fields of a request; each raises Refused with the field's name."""

from typing import Any, TypeVar

import orjson

from app.practice.errors import Refused

T = TypeVar("T")


def parse_object(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(f"The body is not valid JSON: {error}.") from None
    if not isinstance(body, dict):
        raise Refused("The body must be a JSON object.")
    return body


def take(body: dict[str, Any], name: str, kind: type[T] | tuple[type[T], ...], otherwise: T) -> T:
    """A field of the request; null counts as absent, and true is no number."""
    value = body.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refused(f"Invalid type for '{name}'.", param=name, code="invalid_type")
    return value


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse a value outside its bounds."""
    if not low <= value <= high:
        raise Refused(f"'{name}' must be between {low} and {high}.", param=name, code="invalid_value")


def as_object(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one: schemas come from outside and may be anything."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a JSON list, else an empty one."""
    return value if isinstance(value, list) else []
