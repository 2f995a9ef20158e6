"""Places: where in a log and its row something stands, such as `testcase.metadata.retrieved[0]`."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.evaluators.kinds.contract import Execution, Row
from app.evaluators.kinds.json_output import ABSENT, reach

_TEXT_NAMES = ("text", "content", "passage", "page_content")


def checked_place(value: str | None, roots: Sequence[str]) -> str | None:
    """`value`, if it is one of `roots` or lies below one, or is None.

    Raises:
        ValueError: it begins with none of them; the message lists them.
    """
    if value is not None and not any(
        value == root or value.startswith((f"{root}.", f"{root}[")) for root in roots
    ):
        msg = f"“{value}” is no place: it begins with {', '.join(roots)}"
        raise ValueError(msg)
    return value


def value_at(place: str, row: Row, execution: Execution) -> Any:
    """What stands at a place; ABSENT where nothing does."""
    known = {
        "testcase": {
            "inputs": dict(row.inputs),
            "context": list(row.context) if row.context is not None else None,
            "metadata": dict(row.metadata or {}),
            "target": dict(row.target or {}),
        },
        "log": {"inputs": dict(execution.inputs), "metadata": execution.about.get("metadata")},
    }
    return reach(known, place)


def shown_text(value: Any) -> str:
    """A value as a judge reads it: a text, the text of an object that has one, else JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        named = next((value[name] for name in _TEXT_NAMES if isinstance(value.get(name), str)), None)
        if named is not None:
            return str(named)
    return orjson.dumps(value, default=str).decode()


def text_at(place: str, row: Row, execution: Execution) -> str:
    """The text that stands at a place; empty where nothing does."""
    found = value_at(place, row, execution)
    return "" if found is ABSENT or found is None else shown_text(found)


def question_at(place: str | None, row: Row, execution: Execution, but: str = "") -> str:
    """What stands at `place`; without one the only input, or all inputs as JSON, leaving out those that hold the place `but`."""
    if place:
        return text_at(place, row, execution)
    inputs = {
        name: value
        for name, value in row.inputs.items()
        if not (but and f"testcase.inputs.{name}".startswith(but))
    }
    return shown_text(next(iter(inputs.values()))) if len(inputs) == 1 else shown_text(inputs)
