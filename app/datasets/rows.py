"""One row of an import: what a column may put where, checked."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from app.core import json_values

Split = Literal["train", "validation", "test", "sealed"]
Place = Literal["inputs", "target", "metadata", "messages", "context", "cluster", "split", "ignore"]
Format = Literal["csv", "jsonl"]

MAX_ROWS = 1_000_000
MAX_COLUMNS = 1_000

_SPLITS: dict[str, Split] = {split: split for split in get_args(Split)}
_CLUSTER_CHARS = 500
_ROLES = ("user", "assistant", "system", "tool", "developer")


OWN_MEMBERS: tuple[Place, ...] = (
    "inputs",
    "messages",
    "target",
    "context",
    "cluster",
    "metadata",
    "split",
)
"""The members of a row in the shape that we export and that the API takes."""


class RowError(Exception):
    """What is wrong with one row, and how to fix it."""


class Destination(NamedTuple):
    """A place in a row; `name` is the member of inputs, target or metadata, None for the whole of it."""

    place: Place
    name: str | None = None

    def __str__(self) -> str:
        return self.place if self.name is None else f"{self.place}.{self.name}"


@dataclass(frozen=True, slots=True)
class LineError:
    """A row that could not be read: the line it starts on, from 1, and what to do about it."""

    line: int
    message: str


@dataclass(slots=True)
class Row:
    """One row as the file has it; `line` is where it starts, from 1."""

    line: int
    inputs: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] | None = None
    target: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    cluster: str | None = None
    context: list[str] | None = None
    split: Split | None = None
    id: str | None = None
    """Only from rows in the shape that we export."""

    def put(self, destination: Destination, value: Any) -> None:
        """Set what a column holds. An empty text and null are absent everywhere but in an input.

        Raises:
            RowError: the value does not fit the place.
        """
        place, name = destination
        if value is None or place == "ignore":
            return
        if place == "inputs" and name is not None:
            self.inputs[name] = value
        elif value != "":
            self._put(place, name, value)

    def _put(self, place: Place, name: str | None, value: Any) -> None:
        match place:
            case "inputs":
                self.inputs |= _object(value, "inputs")
            case "target":
                # A bare target is shorthand for {"output": …}, as in the API.
                whole = value if name is None and isinstance(value, dict) else {name or "output": value}
                self.target = {**(self.target or {}), **whole}
            case "metadata":
                told = _object(value, "metadata") if name is None else {name: value}
                self.metadata = {**(self.metadata or {}), **told}
            case "messages":
                self.messages = _messages(value)
            case "context":
                self.context = _passages(value)
            case "cluster":
                self.cluster = _cluster(value)
            case "split":
                self.split = _split(value)

    def check(self) -> "Row":
        """The row itself. RowError when it has nothing to work on."""
        if not (self.inputs or self.messages or self.target):
            raise RowError("the row has neither inputs nor a target")
        return self


@dataclass(slots=True)
class Source:
    """A file being read. `rows` can be walked once; `warnings` may grow until its end."""

    format: Format
    rows: Iterator[Row | LineError]
    columns: dict[str, Destination] = field(default_factory=dict)
    """Where each column of a CSV file goes; empty for JSONL, whose rows may differ."""
    warnings: list[str] = field(default_factory=list)
    delimiter: str | None = None


def too_many(line: int, max_rows: int) -> LineError:
    return LineError(line, f"more than {max_rows:,} rows: split the file")


def _object(value: Any, what: str) -> dict[str, Any]:
    read = _json(value, what)
    if not isinstance(read, dict):
        raise RowError(f'{what} must be an object, such as {{"name": "…"}}')
    return read


def _messages(value: Any) -> list[dict[str, Any]] | None:
    read = _json(value, "messages")
    if not isinstance(read, list) or not all(
        isinstance(one, dict) and one.get("role") in _ROLES for one in read
    ):
        raise RowError(
            "messages must be a list of objects with content and a role: user, assistant, system or tool"
        )
    return read or None


def _passages(value: Any) -> list[str] | None:
    """A text, a list of texts, or one as JSON; a passage, too, may begin with a bracket."""
    read = value
    if isinstance(value, str):
        read = [value]
        if value.startswith("["):
            with suppress(json_values.NotStorable):
                listed = json_values.loads(value)
                read = listed if all(isinstance(one, str) for one in listed) else read
    if not isinstance(read, list) or not all(isinstance(one, str) for one in read):
        raise RowError("context must be a text or a list of texts")
    return read or None


def _cluster(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise RowError("cluster must be a short text: the document or conversation the row belongs to")
    if len(str(value)) > _CLUSTER_CHARS:
        raise RowError(f"cluster must not be longer than {_CLUSTER_CHARS} characters")
    return str(value)


def _split(value: Any) -> Split:
    split = _SPLITS.get(value.strip().lower()) if isinstance(value, str) else None
    if split is None:
        text = str(value)
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise RowError(f"split is “{shown}”: use train, validation, test or sealed, or leave it empty")
    return split


def _json(value: Any, what: str) -> Any:
    """A value that a CSV file holds as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json_values.loads(value)
    except json_values.NotStorable as error:
        raise RowError(f"{what}: {error}") from None
