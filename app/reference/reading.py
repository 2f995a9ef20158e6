"""The description of the API as its pages show it: operations by section, with what they take, need and answer."""

import dataclasses
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.openapi import ROLES, resolve

Json = Mapping[str, Any]
_DEEPEST = 4
"""Members of members of members are shown down to here."""
_METHODS = ("get", "post", "put", "patch", "delete")
_WORDS = {
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "date": "date",
    "date-time": "time",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a member of a body."""

    name: str
    kind: str
    required: bool
    says: str
    place: str = ""
    """Of a parameter: path or query."""
    members: tuple["Field", ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation may answer."""

    status: str
    says: str
    kinds: tuple[str, ...]
    """Content types."""
    members: tuple[Field, ...]
    """Of the object that it is, or of each in a list or page; without theirs."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as it is shown."""

    id: str
    method: str
    path: str
    title: str
    says: str
    section: str
    roles: tuple[str, ...]
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_kinds: tuple[str, ...]
    example: str
    """A command that could be typed."""
    answers: tuple[Answer, ...]
    errors: tuple[Answer, ...]

    def matches(self, words: list[str]) -> bool:
        """Whether each of `words`, in small letters, stands in its name, address or description."""
        text = f"{self.method} {self.path} {self.id} {self.title} {self.says} {self.section}".lower()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Section:
    """Operations about one kind of thing."""

    name: str
    slug: str
    says: str
    operations: tuple[Operation, ...]


def slug_of(name: str) -> str:
    """The name of a section as its address has it."""
    return name.lower().replace(" ", "-")


def read_sections(schema: Json) -> tuple[Section, ...]:
    """All operations of a description, by section."""
    operations = [
        _operation(path, method, schema["paths"][path][method], schema)
        for path in sorted(schema["paths"])
        for method in _METHODS
        if method in schema["paths"][path]
    ]
    return tuple(
        Section(
            tag["name"],
            slug_of(tag["name"]),
            tag["description"],
            tuple(each for each in operations if each.section == tag["name"]),
        )
        for tag in schema["tags"]
    )


def error_meanings(sections: Iterable[Section]) -> list[tuple[str, str]]:
    """Each status of an error, with what it means."""
    meanings: dict[str, str] = {}
    for section in sections:
        for operation in section.operations:
            for error in operation.errors:
                meanings.setdefault(error.status, error.says)
    return sorted(meanings.items())


def _operation(path: str, method: str, said: Json, schema: Json) -> Operation:
    body = said.get("requestBody", {}).get("content", {})
    kinds = tuple(body)
    shape: Json = next((each["schema"] for each in body.values() if "schema" in each), {})
    answers = [
        Answer(
            status, found["description"], tuple(found.get("content", ())), _members_of_answer(found, schema)
        )
        for status, found in ((status, resolve(one, schema)) for status, one in said["responses"].items())
    ]
    return Operation(
        id=said["operationId"],
        method=method.upper(),
        path=path,
        title=said["summary"],
        says=said.get("description", ""),
        section=said["tags"][0],
        roles=tuple(said[ROLES]),
        parameters=tuple(_parameter(each, schema) for each in said.get("parameters", [])),
        body=tuple(_members(shape, schema, _DEEPEST)),
        body_kinds=kinds,
        example=_command(path, method, said, schema),
        answers=tuple(each for each in answers if each.status < "300"),
        errors=tuple(each for each in answers if each.status >= "300"),
    )


def _parameter(said: Json, schema: Json) -> Field:
    kind = _kind(said["schema"], schema)
    return Field(said["name"], kind, said.get("required", False), said.get("description", ""), said["in"])


def _members_of_answer(answer: Json, schema: Json) -> tuple[Field, ...]:
    """Those of its records, where it is a page of such."""
    shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
    records = shape.get("properties", {}).get("records")
    members = _members(records["items"] if records else shape, schema, 1)
    return tuple({member.name: dataclasses.replace(member, required=False) for member in members}.values())


def _members(shape: Json, schema: Json, deep: int, above: tuple[str, ...] = ()) -> Iterator[Field]:
    """The members of an object's schema, or of what a list of such objects holds."""
    for target, found in _objects(shape, schema):
        if target in above or len(above) >= deep:
            continue
        required = found.get("required", ())
        for name, said in found.get("properties", {}).items():
            members = tuple(_members(said, schema, deep, (*above, target)))
            yield Field(name, _kind(said, schema), name in required, said.get("description", ""), "", members)


def _objects(shape: Json, schema: Json) -> Iterator[tuple[str, Json]]:
    """The objects with members of their own that a schema allows, each with its name."""
    found = resolve(shape, schema)
    if found.get("properties"):
        yield shape.get("$ref", found.get("title", "")), found
    for key in ("anyOf", "oneOf", "allOf"):
        for each in found.get(key, ()):
            yield from _objects(each, schema)
    if "items" in found:
        yield from _objects(found["items"], schema)


def _kind(shape: Json, schema: Json) -> str:
    """What a value may be, in words."""
    found = resolve(shape, schema)
    choices = found.get("anyOf") or found.get("oneOf")
    if choices:
        kinds = [_kind(each, schema) for each in choices if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in found:
        return f"“{found['const']}”"
    if "enum" in found:
        return ", ".join(f"“{each}”" for each in found["enum"])
    kind = str(found.get("type", "anything"))
    if kind == "array":
        item = _kind(found.get("items", {}), schema)
        return (
            f"list of {item}s" if item in ("object", "text", "number", "whole number") else f"list of {item}"
        )
    return _WORDS.get(found.get("format", kind), kind)


def _command(path: str, method: str, said: Json, schema: Json) -> str:
    server = schema["servers"][0]["url"]
    needed = [
        each["name"] for each in said.get("parameters", []) if each["in"] == "query" and each.get("required")
    ]
    query = "?" + "&".join(f"{name}={{{name}}}" for name in needed) if needed else ""
    lines = [f'curl "{server}{path}{query}" -H "X-API-KEY: $KEY"']
    if method != "get" and not (method == "post" and "requestBody" in said):
        lines[0] = lines[0].replace("curl ", f"curl -X {method.upper()} ", 1)
    content = said.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = content["application/json"].get("example")
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d {shlex.quote(json.dumps(example, indent=2, ensure_ascii=False))}")
    elif "multipart/form-data" in content:
        lines.append("-F file=@rows.csv" if path.startswith("/v5/datasets") else "-F file=@shop.sqlite")
    return " \\\n  ".join(lines)
