"""The first row of a dataset that has none: its columns are named with it."""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.core.json_values import unstorable
from app.datasets.cells import place_of, with_plain_ends
from app.datasets.rows import Destination, Place
from app.datasets.schemas import DatapointContent

LINES: tuple[Place, ...] = ("inputs", "inputs", "target")
"""What the lines of the form name; further members are added on the row's own page."""


def first_row(form: Mapping[str, str]) -> DatapointContent:
    """The row that the form says, of `first.0.name` and `first.0.value` and so on. Its inputs may be empty, to be typed into.

    Raises:
        Invalid: no input is named, or a name or value cannot be kept, or stands without the other.
    """
    members: dict[str, dict[str, Any]] = {"inputs": {}, "target": {}}
    for line, kind in enumerate(LINES):
        name = form.get(f"first.{line}.name", "").strip()
        value = with_plain_ends(form.get(f"first.{line}.value", ""))
        if not name and value:
            raise Invalid(f"Name the {_word(kind)} that says “{value:.40}”.")
        if not name:
            continue
        if kind == "target" and not value:
            raise Invalid(
                f"Say what the target {name:.80} is, or leave its name empty: it can be added later."
            )
        _put(members[kind], place_of(f"{kind}.{name}"), value)
    if not members["inputs"]:
        raise Invalid("Name an input: a column of what the model is given. The dataset has none yet.")
    if problem := unstorable(members):
        raise Invalid(problem)
    return DatapointContent(inputs=members["inputs"], target=members["target"] or None)


def _word(kind: Place) -> str:
    return "target" if kind == "target" else "input"


def _put(held: dict[str, Any], at: Destination, value: str) -> None:
    if at.name in held:
        raise Invalid(f"Two inputs are named {at.name:.80}: give each a name of its own.")
    held[str(at.name)] = value
