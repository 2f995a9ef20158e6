"""Reading the rows that a model wrote: JSON in whichever of the usual forms, each row checked against what was asked for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core import json_values
from app.datasets.rows import Destination, Row, RowError
from app.datasets.schemas import DatapointContent
from app.providers.answers import Answer

_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)
_SHOWN = 80
_WAY = "The prompt has to answer with a JSON array of objects, or with one object a line, and nothing else."
_CUT = (
    "The reply was cut off at its largest number of tokens: ask for fewer rows a call, or let the prompt have more with"
    " max_tokens."
)


@dataclass(slots=True)
class Reply:
    """What a reply holds."""

    rows: list[DatapointContent] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    """What is no row that was asked for: its `content`, and `why`."""
    problem: str | None = None
    """Why there is no row at all."""


def read_reply(answer: Answer, columns: Sequence[Destination], most: int) -> Reply:
    """The rows of a reply, at most so many; what they say beside `columns` is dropped. Never raises."""
    text = (answer.content or "").strip()
    if not text:
        said = "called a tool" if answer.message.get("tool_calls") else "was empty"
        return Reply(problem=f"The reply {said}. {_WAY}")
    found = _items(text)
    if found is None:
        if answer.finish_reason == "length":
            return Reply(problem=_CUT)
        return Reply(problem=f"The reply is no JSON: it begins with “{text[:_SHOWN]}”. {_WAY}")
    reply = Reply()
    for item in found:
        if len(reply.rows) == most:
            reply.left_out.append({"content": item, "why": f"more than the {most} asked for"})
            continue
        try:
            reply.rows.append(_row(item, columns))
        except (RowError, json_values.NotStorable) as error:
            reply.left_out.append({"content": item, "why": str(error)})
    if answer.finish_reason == "length" and len(reply.rows) < most:
        reply.problem = _CUT
    elif not found:
        reply.problem = f"The reply holds no row. {_WAY}"
    return reply


def _items(text: str) -> list[Any] | None:
    """The rows of the first part of a text that is JSON; None where none is."""
    for part in (*_FENCED.findall(text), text, _between(text, "[", "]"), _between(text, "{", "}")):
        if part and (found := _parsed(part.strip())) is not None:
            return found
    return _lines(text)


def _between(text: str, first: str, last: str) -> str:
    begin, end = text.find(first), text.rfind(last)
    return text[begin : end + 1] if 0 <= begin < end else ""


def _parsed(text: str) -> list[Any] | None:
    try:
        value = json_values.loads(text)
    except json_values.NotStorable:
        return _lines(text)
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    lists = [one for one in value.values() if isinstance(one, list) and all(isinstance(x, dict) for x in one)]
    return lists[0] if len(value) == 1 and lists else [value]


def _lines(text: str) -> list[Any] | None:
    """One object a line; a line that is none is no row, and the others are. None where no line is one."""
    found: list[Any] = []
    objects = 0
    stripped = (line.strip().rstrip(",") for line in text.splitlines())
    for line in (line for line in stripped if line not in ("", "[", "]")):
        try:
            value = json_values.loads(line)
            objects += isinstance(value, dict)
        except json_values.NotStorable:
            value = line
        found.append(value)
    return found if objects else None


def _row(item: Any, columns: Sequence[Destination]) -> DatapointContent:
    """The row that an object is.

    Raises:
        RowError: it is none, or says nothing in one of the columns.
        NotStorable: it holds what cannot be kept.
    """
    if not isinstance(item, dict):
        raise RowError("it is no JSON object")
    if problem := json_values.unstorable(item):
        raise json_values.NotStorable(problem)
    told = dict(_members(item))
    row = Row(0)
    for column in columns:
        value = _value(told, column, columns)
        if value is None or value == "":
            raise RowError(f"it has no {column}")
        row.put(column, value)
    return DatapointContent.of(row.check())


def _members(item: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The members by their places; those of `inputs` and `target` one by one."""
    for name, value in item.items():
        if name in ("inputs", "target") and isinstance(value, dict):
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _value(told: Mapping[str, Any], column: Destination, columns: Sequence[Destination]) -> Any:
    """What an object says in a column: by its place, or by its name where no other column has that."""
    if str(column) in told:
        return told[str(column)]
    of_that_name = [one for one in columns if one.name == column.name]
    targets = [one for one in columns if one.place == "target"]
    if column.place == "target" and "target" in told and len(targets) == 1:
        return told["target"]
    return told.get(column.name or "") if len(of_that_name) == 1 else None
