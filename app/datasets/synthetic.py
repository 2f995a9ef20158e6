"""The mark of rows that a model wrote: `metadata.synthetic`.

It is part of what makes a row that row, so that it goes wherever the row goes: into other versions and datasets, through
exports and imports. Editing a row changes it nowhere (`cells.with_values`).
"""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.datasets.rows import Destination

MARK = "synthetic"
PLACE = Destination("metadata", MARK)
IS_SYNTHETIC = "coalesce({}->'synthetic', 'null') not in ('null', 'false')"
"""The condition in SQL, of a column that holds metadata."""
_STAYS = (
    "metadata.synthetic says that a model wrote the row, and stays as it is. Write another row by hand, and remove this"
    " one, if the words are yours."
)


def mark_of(metadata: Mapping[str, Any] | None) -> Any:
    """Who wrote the row, of one that a model wrote; None of any other."""
    mark = (metadata or {}).get(MARK)
    return None if mark is False else mark


def kept_mark(metadata: Mapping[str, Any] | None, values: Mapping[Destination, Any]) -> Any:
    """The mark that a row keeps while these values are written to it.

    Raises:
        Invalid: they would change it.
    """
    mark = mark_of(metadata)
    if mark is not None and PLACE in values and values[PLACE] != mark:
        raise Invalid(_STAYS, fields={str(PLACE): _STAYS})
    return mark
