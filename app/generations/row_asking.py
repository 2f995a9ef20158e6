"""What a prompt is told that is to write rows: how many, with which members, and which rows there are."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.core.errors import Invalid
from app.datasets.cells import place_of, value_at
from app.datasets.rows import Destination
from app.prompts.presentation import template_variables

GIVEN = ("rows", "columns", "examples")
"""Variables that each call fills in, where the template names them; people type what fills in the others."""
_MOST_COLUMNS = 20
_MOST_CHARS = 10_000
Json = dict[str, Any]


def columns_of(names: Sequence[str]) -> list[Destination]:
    """The columns that these names mean, inputs first.

    Raises:
        Invalid: one is none that a model may fill in, or there is no input among them.
    """
    found = list(dict.fromkeys(place_of(name) for name in names))
    wrong = [one for one in found if one.place not in ("inputs", "target") or one.name is None]
    said = ""
    if wrong:
        said = f"“{str(wrong[0])[:80]}” is nothing that a prompt can fill in: name inputs and targets, such as inputs.question."
    elif not any(one.place == "inputs" for one in found):
        said = "Choose at least one input that the rows are to have."
    elif len(found) > _MOST_COLUMNS:
        said = f"At most {_MOST_COLUMNS} columns are filled in at once."
    if said:
        raise Invalid(said, fields={"columns": said})
    return sorted(found, key=lambda one: one.place != "inputs")


def variables_to_type(spec: Mapping[str, Any]) -> list[str]:
    """The variables of a prompt's template that nobody but a person knows."""
    return [name for name in template_variables(spec) if name not in GIVEN]


def example_of(content: Json, columns: Sequence[Destination]) -> Json:
    """A row as a prompt is shown it: the columns that it is to fill in."""
    values = {str(one): value_at(content, None, one) for one in columns}
    return {name: _short(value) for name, value in values.items() if value is not None}


def _short(value: Any) -> Any:
    return f"{value[:_MOST_CHARS]}…" if isinstance(value, str) and len(value) > _MOST_CHARS else value


def inputs_of_call(
    spec: Mapping[str, Any], typed: Mapping[str, Any], rows: int, columns: Sequence[Destination], shown: str
) -> Json:
    """What fills in the template in one call."""
    given = {"rows": rows, "columns": ", ".join(map(str, columns)), "examples": shown}
    named = template_variables(spec)
    return {**typed, **{name: value for name, value in given.items() if name in named}}


def lines_of(examples: Sequence[Json]) -> str:
    """Examples, a line each."""
    return "\n".join(orjson.dumps(one).decode() for one in examples)


def request_of(
    spec: Mapping[str, Any], number: int, parts: int, rows: int, columns: Sequence[Destination], shown: str
) -> Json:
    """The message after the template: what the reply has to be, and the examples, unless the template names them."""
    listed = ", ".join(f'"{one}"' for one in columns)
    said = [
        f"Write {rows} new row{'' if rows == 1 else 's'} for a dataset, no two of them alike.",
        f"Reply with a JSON array of {rows} object{'' if rows == 1 else 's'} and nothing else. Each object has these members: {listed}.",
    ]
    if parts > 1:
        said.append(f"This is part {number} of {parts}: write other rows than the other parts do.")
    if shown and "examples" not in template_variables(spec):
        said.append(f"These rows are there already. Write others of their kind:\n{shown}")
    return {"role": "user", "content": "\n".join(said)}
