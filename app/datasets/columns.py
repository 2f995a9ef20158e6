"""Where each column of an import goes: as the mapping says, else by its name."""

from collections.abc import Iterable, Mapping
from typing import get_args

from app.core.errors import Invalid
from app.datasets.rows import Destination, Place

_PLACES: dict[str, Place] = {place: place for place in get_args(Place)}
_NAMED: dict[str, Place] = {
    "input": "inputs",
    "inputs": "inputs",
    "target": "target",
    "metadata": "metadata",
}


class Columns:
    """Finds the destination of a column. Invalid when the mapping names a place that does not exist."""

    def __init__(self, mapping: Mapping[str, str] | None = None) -> None:
        self._mapped = {column: parse_destination(text) for column, text in (mapping or {}).items()}

    def destination(self, column: str) -> Destination:
        return self._mapped.get(column) or default_destination(column)

    def is_mapped(self, column: str) -> bool:
        return column in self._mapped

    def unknown(self, columns: Iterable[str]) -> list[str]:
        """What the mapping names and the file does not have."""
        return sorted(set(self._mapped) - set(columns))


def default_destination(column: str) -> Destination:
    """Where a column goes by its name: `input.x`, `target.x`, `split` …; `id` is metadata, all else an input."""
    prefix, _, name = column.partition(".")
    if name and prefix in _NAMED:
        return Destination(_NAMED[prefix], name)
    if column in _PLACES and column != "ignore":
        return Destination(_PLACES[column])
    return Destination("metadata", "id") if column == "id" else Destination("inputs", column)


def parse_destination(text: str) -> Destination:
    """Read `inputs.x`, `target.x`, `messages` and so on. Invalid for anything else."""
    prefix, dot, name = text.partition(".")
    if name and prefix in _NAMED:
        return Destination(_NAMED[prefix], name)
    if not dot and text in _PLACES:
        return Destination(_PLACES[text])
    raise Invalid(
        f"“{text}” is no place for a column: use inputs.name, target.name, metadata.name, inputs, target, "
        "metadata, messages, context, cluster, split or ignore"
    )
