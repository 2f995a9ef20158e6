"""What follows from a tool's function and source: its type, its inputs, how it is called."""

from collections.abc import Mapping
from typing import Any


def usual_type(spec: Mapping[str, Any]) -> str | None:
    """The type of a tool that does not say it."""
    if spec.get("source_code"):
        return "python"
    return "json_schema" if spec.get("function") else None


def input_names(function: Mapping[str, Any] | None) -> list[str]:
    """The parameters of a function, in the order of its schema."""
    return list(_properties(function))


def signature(function: Mapping[str, Any] | None) -> str | None:
    """How a function is called, such as `weather(city: string, days: integer)`; None where there is none."""
    if not function:
        return None
    shown = [
        f"{name}: {schema['type']}"
        if isinstance(schema, Mapping) and isinstance(schema.get("type"), str)
        else name
        for name, schema in _properties(function).items()
    ]
    return f"{function.get('name', '')}({', '.join(shown)})"


def _properties(function: Mapping[str, Any] | None) -> Mapping[str, Any]:
    schema = (function or {}).get("parameters")
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}
