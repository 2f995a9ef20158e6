"""One member of a row, as a cell shows it and as somebody types it."""

import json
from collections.abc import Mapping
from typing import Any

from app.core import ids
from app.core.errors import Invalid
from app.core.json_values import unstorable
from app.core.template import as_text
from app.datasets import synthetic
from app.datasets.columns import parse_destination
from app.datasets.rows import OWN_MEMBERS, Destination, Row, RowError
from app.datasets.schemas import DatapointContent

Json = dict[str, Any]
Values = Mapping[Destination, Any]


def place_of(name: str) -> Destination:
    """The member that a name such as `inputs.question` or `split` means.

    Raises:
        Invalid: there is no such member.
    """
    place = parse_destination(name[:1_000])
    if place.place == "ignore":
        raise Invalid("“ignore” is a word for imports: name a member of the row.")
    return place


def value_at(content: Json, split: str | None, place: Destination) -> Any:
    """What a row says there; None where it says nothing."""
    if place.place == "split":
        return split
    held = content.get(place.place)
    return held if place.name is None else (held or {}).get(place.name)


def text_of(value: Any) -> str:
    """A value as it is edited: a text as it is, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """A value as the grid shows it: of several right answers, each."""
    if value is None:
        return ""
    return " | ".join(as_text(one) for one in value) if isinstance(value, list) else as_text(value)


def seen(value: Any) -> str:
    """A short mark of what a cell said when somebody began to edit it; browsers send line ends of their own."""
    return ids.content_hash(with_plain_ends(text_of(value)))[:16]


def with_plain_ends(text: str) -> str:
    """A text with the line ends that we keep of what is typed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def typed(was: Any, text: str, place: Destination) -> Any:
    """What somebody typed, as the kind of value that was there: a text where there was one or nothing, else JSON. In the
    place of a list, what does not begin as one is its only item.

    Raises:
        Invalid: it is no JSON.
    """
    text = with_plain_ends(text)
    if was is None or isinstance(was, str) or not text:
        return text
    if isinstance(was, list) and not text.lstrip().startswith("["):
        return [text]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        said = f"{place} holds {_kind(was)}, and this is not JSON: {error}."
        raise Invalid(said, fields={str(place): said}) from error


def typed_anew(like: Any, text: str, place: Destination) -> Any:
    """What somebody typed where nothing stood: of the kind of `like`, which others have in that place, or else a text."""
    plain = typed(None, text, place)
    if place.name is None or like is None:
        return plain
    try:
        value = typed(like, text, place)
    except Invalid:
        return plain
    return value if value is not None and _kind(value) == _kind(like) else plain


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, bool):
        return "yes or no (true, false)"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def with_values(content: Json, split: str | None, values: Values) -> tuple[Json, str | None]:
    """The row with other values. Nothing, and an empty text but in an input that is there, takes a member away; the mark of a
    row that a model wrote stays.

    Raises:
        Invalid: a value does not fit its place, or cannot be stored, or the row would have nothing to work on.
    """
    row, mark = Row(0), synthetic.kept_mark(content.get("metadata"), values)
    new: dict[str, Any] = {"split": split}
    for name in OWN_MEMBERS:
        new.setdefault(name, content.get(name))
    for place, value in values.items():
        _set(new, place, value)
    if problem := unstorable(new):
        raise Invalid(problem)
    try:
        for name in OWN_MEMBERS:
            row.put(Destination(name), new[name])
        row.check()
        if mark is not None:
            row.put(synthetic.PLACE, mark)
    except RowError as error:
        raise Invalid(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    return DatapointContent.of(row).content(), row.split


def _set(row: Json, place: Destination, value: Any) -> None:
    if place.name is None:
        row[place.place] = None if value == "" else value
        return
    members = dict(row[place.place] or {})
    if value is None or (value == "" and (place.place != "inputs" or place.name not in members)):
        members.pop(place.name, None)
    else:
        members[place.name] = value
    row[place.place] = members or None
