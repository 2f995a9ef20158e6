"""Forms of evaluator kinds: fields from an Options model, and settings from what a browser sent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, Union, cast, get_args, get_origin

import orjson
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.core.json_values import NotStorable, loads

Widget = Literal["text", "multiline", "number", "checkbox", "select", "lines", "json", "database", "parts"]

FormData = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form. `lines` is a text with one item a line, `json` one with a list; `choices` belong to `select`;
    `database` is the hash of an uploaded SQLite file; `parts` are several evaluators, each with fields of its own."""

    name: str
    label: str
    help: str
    widget: Widget
    initial: Any
    """What a new form holds: the default, unless the kind suggests something better."""
    required: bool = False
    choices: tuple[str, ...] = ()
    only_where: tuple[str, tuple[str, ...]] | None = None
    """The field that this one belongs to, and what that must hold for this one to mean anything; None: always."""

    def shown(self, value: Any) -> str:
        """A setting as the text that the field holds."""
        if value is None:
            return ""
        if self.widget == "json":
            return json.dumps(value, ensure_ascii=False, indent=1) if value else ""
        if isinstance(value, list | tuple):
            return "\n".join(map(str, value))
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json", exclude_none=True)
        if isinstance(value, Mapping):
            return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if value else ""
        return f"{value:g}" if isinstance(value, float) else str(value)


def form_fields(options: type[BaseModel]) -> list[FormField]:
    """The fields of an Options model, in its order, but those first that are marked as `first`: what is inherited would be."""
    fields = sorted(options.model_fields.items(), key=lambda one: not _extra(one[1]).get("first"))
    return [_field(name, info) for name, info in fields]


def read_form(options: type[BaseModel], form: FormData) -> dict[str, Any]:
    """Settings from form values, for `Kind.prepare` to check; fields left empty are left out.

    A checkbox that was not sent is unticked: browsers send nothing for it. Names that are no field are ignored.
    """
    settings: dict[str, Any] = {}
    for field in form_fields(options):
        if field.widget == "parts":
            settings[field.name] = [part for part in read_parts(form, field.name) if part.get("path")]
            continue
        sent = form.get(field.name)
        text = "" if sent is None else sent if isinstance(sent, str) else "\n".join(sent)
        if field.widget == "checkbox":
            settings[field.name] = text.lower() in ("on", "true", "1", "yes")
        elif field.widget == "lines":
            settings[field.name] = [line.strip() for line in text.splitlines() if line.strip()]
        elif field.widget == "json":
            settings[field.name] = _read_json(text) if text.strip() else []
        elif text.strip():
            # Browsers send \r\n between lines; the same text must make the same version.
            settings[field.name] = text.replace("\r\n", "\n") if field.widget == "multiline" else text.strip()
    return settings


PART_FIELDS = ("path", "weight", "at_least", "at_most", "passes")


def read_parts(form: FormData, name: str) -> list[dict[str, Any]]:
    """The rows of a form's parts, sent as `name.0.path` and so on; fields left empty are left out."""
    numbers = {key.split(".")[1] for key in form if key.startswith(f"{name}.") and key.count(".") == 2}
    rows = []
    for number in sorted((one for one in numbers if one.isdecimal() and len(one) < 4), key=int):
        sent = {each: str(form.get(f"{name}.{number}.{each}") or "").strip() for each in PART_FIELDS}
        row: dict[str, Any] = {each: text for each, text in sent.items() if text}
        if "passes" in row:
            row["passes"] = [one.strip() for one in row["passes"].split(",") if one.strip()]
        rows.append(row)
    return rows


def _read_json(text: str) -> Any:
    """The value; the text itself where it is no JSON, for the kind to refuse."""
    try:
        return loads(text)
    except NotStorable:
        return text


def _field(name: str, info: FieldInfo) -> FormField:
    annotation = _without_none(info.annotation)
    extra = _extra(info)
    choices = tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()
    required = info.is_required()
    return FormField(
        name=name,
        label=info.title or name.replace("_", " ").capitalize(),
        help=" ".join((info.description or "").split()),
        widget=_widget(annotation, extra),
        initial=extra.get("initial", None if required else info.get_default(call_default_factory=True)),
        required=required,
        choices=choices,
        only_where=next(((other, tuple(held)) for other, held in extra.get("only_where", {}).items()), None),
    )


def _extra(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _widget(annotation: Any, extra: Mapping[str, Any]) -> Widget:
    if named := "multiline" if extra.get("multiline") else extra.get("widget"):
        return cast("Widget", named)
    if annotation is bool:
        return "checkbox"
    if annotation in (int, float):
        return "number"
    if get_origin(annotation) is Literal:
        return "select"
    if get_origin(annotation) not in (list, tuple):
        return "text"
    item = get_args(annotation)[0]
    return "json" if isinstance(item, type) and issubclass(item, BaseModel) else "lines"


def _without_none(annotation: Any) -> Any:
    """The type of an optional field."""
    inner = [one for one in get_args(annotation) if one is not NoneType]
    is_union = get_origin(annotation) is Union or type(annotation).__name__ == "UnionType"
    return inner[0] if is_union and len(inner) == 1 else annotation
