"""What changed between two specs, as rows of settings instead of JSON text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.core.property_order import PROPERTIES, common_order, property_order

Change = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting on both sides, as text; None where a side does not have it. `name` is dotted."""

    name: str
    before: str | None
    after: str | None
    change: Change


def diff_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Setting]:
    """Compare settings row by row, unchanged ones included, in the order of `before` and then of `after`.

    Objects are compared member by member, so are lists of named objects (tools), by name; other lists are one
    value. What is on one side only is one row, however much it holds. Null is absent.
    """
    return _rows("", before, after)


def _rows(prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Setting]:
    rows: list[Setting] = []
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        name = f"{prefix}.{key}" if prefix else str(key)
        inside_old, inside_new = _members(old), _members(new)
        if inside_old is not None and inside_new is not None:
            rows.extend(_rows(name, inside_old, inside_new))
            rows.extend(_another_order(name, old, new) if key == PROPERTIES else ())
        elif old is not None or new is not None:
            rows.append(_row(name, old, new))
    return rows


def _another_order(name: str, old: Any, new: Any) -> list[Setting]:
    """Models write an answer in the order of a schema's properties."""
    before, after = common_order(old, new) if isinstance(old, Mapping) else ([], [])
    return (
        []
        if before == after
        else [Setting(f"{name} (order)", ", ".join(before), ", ".join(after), "changed")]
    )


def _row(name: str, old: object, new: object) -> Setting:
    before, after = _text(old), _text(new)
    if before is None or after is None:
        return Setting(name, before, after, "added" if before is None else "removed")
    if before == after and isinstance(old, str) != isinstance(new, str):
        before, after = _json(old), _json(new)  # the text "1" and the number 1 would read the same
    elif before == after and property_order(old) != property_order(new):
        before, after = _json(old, sort=False), _json(new, sort=False)
    return Setting(name, before, after, "same" if before == after else "changed")


def _members(value: object) -> Mapping[str, Any] | None:
    """What a value holds under names, or None when it is compared as one."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        named = {
            item["name"]: {key: inner for key, inner in item.items() if key != "name"}
            for item in value
            if isinstance(item, Mapping) and isinstance(item.get("name"), str)
        }
        return named if len(named) == len(value) else None
    return None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _json(value)


def _json(value: object, *, sort: bool = True) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=sort)
