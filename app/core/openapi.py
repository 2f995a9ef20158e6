"""The description of the API as OpenAPI: what FastAPI reads from the routes, and what all of them have in common.

Names, roles, the key and the errors are not written at each route: they follow from what it takes, and what it does.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.core.access import ALLOWED, Action, Role, refusal
from app.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NoSpace,
    NotFound,
    OverBudget,
    TooLarge,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from app.core.permissions import routes_of
from app.core.settings import get_settings

Json = dict[str, Any]
KEY = "ApiKey"
ERRORS = "x-errors"
"""In a route's `openapi_extra`: the only errors that it answers, where the rules below would say more."""
EVENT: Json = {
    "type": "object",
    "description": "Each event.",
    "required": ["data"],
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "description": "JSON."}},
}
"""The shape of a stream's events."""
ROLES = "x-roles"
"""In an operation of the description: whose keys may ask for it."""
_ACRONYMS = {"csv": "CSV", "json": "JSON"}

_ABOUT = """
Send an API key in the header `X-API-KEY`: it acts in one workspace, with one role. What lies outside of that workspace
is answered as if it were not there.

Bodies are JSON in UTF-8. Unknown members are ignored, and null means absent, unless it is said that null takes a limit
away. Parameters that are lists repeat their name: `?id=a&id=b`. Lists come in pages of `records`, counted from 1; a page
past the end is empty.

Every error is `{"detail": …}`: a text, an object with a `description` and more, or for 422 a list that says what is
wrong with which part.
""".strip()


@dataclass(frozen=True, slots=True)
class _Asked:
    """One operation, as far as the rules look at it."""

    method: str
    action: Action
    shown: Json
    names: frozenset[str]
    """Of its parameters, and of all that its body may hold."""

    @property
    def has_body(self) -> bool:
        return "requestBody" in self.shown

    @property
    def takes_input(self) -> bool:
        return self.has_body or bool(self.shown.get("parameters"))

    @property
    def changes(self) -> bool:
        return self.method != "get" and self.action is not Action.READ

    @property
    def finds(self) -> bool:
        """Whether it looks for something that it is told of."""
        named = any(each["in"] == "path" for each in self.shown.get("parameters", ()))
        return named or any(
            name in ("id", "path", "environment") or name.endswith("_id") for name in self.names
        )


@dataclass(frozen=True, slots=True)
class _Failure:
    error: type[DomainError]
    says: str
    applies: Callable[[_Asked], bool]
    detail: str | Json | list[Json]
    """As one of them is answered."""


_FAILURES = (
    _Failure(
        DomainError,
        "The body cannot be read, or the provider of the model refused what it was sent.",
        lambda asked: asked.has_body,
        {
            "description": "The model `gpt-9` does not exist.",
            "type": "provider_error",
            "message": "The model `gpt-9` does not exist.",
            "code": "model_not_found",
            "origin": "openai",
        },
    ),
    _Failure(
        Unauthenticated,
        "No valid key came with the request.",
        lambda _: True,
        "Send your API key in the header X-API-KEY.",
    ),
    _Failure(
        OverBudget,
        "The workspace's budget is spent.",
        lambda asked: asked.action is Action.RUN,
        "The workspace's budget for May, $50.00, is spent. An admin can raise it under Settings, Spend.",
    ),
    _Failure(Forbidden, "The key's role may not do this.", lambda _: True, refusal(Action.EDIT)),
    _Failure(
        NotFound,
        "It is not there, or not in the key's workspace.",
        lambda asked: asked.finds,
        "There is no prompt with the id pr_0356yTcbmHzwJ5.",
    ),
    _Failure(
        TooSlow,
        "The body did not come in time.",
        lambda asked: asked.has_body,
        "Nothing more of the body has come for 30 s.",
    ),
    _Failure(
        Conflict,
        "It contradicts what is stored: a name is taken, or it is in use.",
        lambda asked: asked.changes,
        "`support/answer` is taken. Choose another name.",
    ),
    _Failure(
        TooLarge,
        "The body is over the limit that the message names.",
        lambda asked: asked.has_body,
        "The body is over 10 MiB. Send it in smaller parts.",
    ),
    _Failure(
        Unsupported,
        "The body is packed: send it as it is.",
        lambda asked: asked.has_body,
        "Packed bodies are not read: send it without Content-Encoding.",
    ),
    _Failure(
        Invalid,
        "Something in the request is wrong: each entry says what, and where.",
        lambda asked: asked.takes_input,
        [{"loc": ["body", "path"], "msg": "Field required", "type": "missing"}],
    ),
    _Failure(
        TooMany,
        "Too many requests. Come back after `Retry-After` seconds.",
        lambda _: True,
        "This key asked more than 300,000 times a minute. Come back in 1 s.",
    ),
    _Failure(
        Unavailable,
        "Something that is needed does not answer. Try again in a moment.",
        lambda _: True,
        "The database does not answer. Nothing was saved; try again in a moment.",
    ),
    _Failure(
        NoSpace,
        "A disk of the server is full. Nothing was saved.",
        lambda asked: asked.changes,
        "A disk of the server is full. Nothing was saved. Whoever runs the server has to make room; then try again.",
    ),
)

_ERROR: Json = {
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "description": "What went wrong, and what to do about it.",
            "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": True}],
        }
    },
}
_INVALID: Json = {
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {
                        "description": "The way to what is wrong: `body`, then names and places.",
                        "type": "array",
                        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                    },
                    "msg": {"description": "What is wrong with it.", "type": "string"},
                    "type": {"type": "string"},
                },
            },
        }
    },
}


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of the API beside its routes."""

    tags: Sequence[tuple[str, str]]
    """The sections with what they are about, in their order."""
    parameters: Mapping[str, str]
    """What parameters mean, by name, that say nothing themselves."""
    answers: Callable[[], tuple[Mapping[str, Json], Json]]
    """The shapes of answers by the operation's name, and those that they refer to by theirs."""
    examples: Callable[[], Mapping[str, Any]]
    """What operations answer, for instance, by their names."""


def describe(app: FastAPI, words: Words) -> None:
    """Let `app.openapi()` answer the whole description, made when it is first asked for."""
    app.openapi = lambda: app.openapi_schema or _describe(app, words)  # type: ignore[method-assign]


def _describe(app: FastAPI, words: Words) -> Json:
    schema = get_openapi(
        title="Whetstone",
        version=app.version,
        summary="Make an application of language models better, and prove it.",
        description=_ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in words.tags],
        servers=[{"url": get_settings().public_url}],
    )
    components = schema["components"]
    (answers, shapes), examples = words.answers(), words.examples()
    components["schemas"] |= {**shapes, "Error": _ERROR, "InvalidRequest": _INVALID}
    components["responses"] = {_name(failure): _answer(failure) for failure in _FAILURES}
    components["securitySchemes"] = {KEY: {"type": "apiKey", "in": "header", "name": "X-API-KEY"}}
    for route, action in routes_of(app):
        if isinstance(route, APIRoute) and route.include_in_schema and action:
            for method in map(str.lower, route.methods or ()):
                operation = schema["paths"][route.path_format][method]
                _give_example(operation, route)
                _explain(operation, words.parameters)
                if route.name in answers:
                    _shape(operation, answers[route.name])
                _show_answer(operation, examples.get(route.name))
                _complete(operation, method, route.name, action, schema)
    _forget_unused(schema)
    app.openapi_schema = schema
    return schema


def _give_example(operation: Json, route: APIRoute) -> None:
    """Show the example of the body's class. Not by pydantic, which sorts the members of what it holds."""
    kind = route.body_field.field_info.annotation if route.body_field else None
    items = get_args(kind) if get_origin(kind) is list else ()
    example = [item.EXAMPLE for item in items] or getattr(kind, "EXAMPLE", None)
    if example is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _explain(operation: Json, parameters: Mapping[str, str]) -> None:
    for parameter in operation.get("parameters", []):
        _without_null(parameter["schema"])
        if parameter["name"] in parameters:
            parameter.setdefault("description", parameters[parameter["name"]])


def _shape(operation: Json, answer: Json) -> None:
    for status, shown in operation["responses"].items():
        if status.startswith("2"):
            shown["content"]["application/json"]["schema"] = answer


def _show_answer(operation: Json, example: Any) -> None:
    for status, shown in operation["responses"].items():
        content = shown.get("content", {}).get("application/json")
        if status.startswith("2") and content is not None and example is not None:
            content["example"] = example


def _forget_unused(schema: Json) -> None:
    """Leave out shapes that nothing refers to any more."""
    text = json.dumps(schema)
    shapes = schema["components"]["schemas"]
    for name in [name for name in shapes if f'"#/components/schemas/{name}"' not in text]:
        del shapes[name]


def _complete(operation: Json, method: str, name: str, action: Action, schema: Json) -> None:
    """Add to one operation what follows from its route's name, its action, and what it takes."""
    operation["operationId"] = name
    first, *rest = (_ACRONYMS.get(word, word) for word in name.split("_"))
    operation["summary"] = " ".join([first.capitalize(), *rest])
    operation["security"] = [{KEY: []}]
    operation[ROLES] = [role.value for role in Role if role in ALLOWED[action]]
    asked = _Asked(method, action, operation, frozenset(_names(operation, schema)))
    only = operation.pop(ERRORS, None)
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    for failure in _FAILURES:
        if failure.error.status in only if only else failure.applies(asked):
            reference = {"$ref": f"#/components/responses/{_name(failure)}"}
            answers.setdefault(str(failure.error.status), reference)
    operation["responses"] = dict(sorted(answers.items()))


def _without_null(kind: Json) -> None:
    """Take null out of a parameter's kinds: nobody can send it in an address."""
    kinds = [each for each in kind.get("anyOf", []) if each != {"type": "null"}]
    if len(kinds) == 1:
        del kind["anyOf"]
        kind |= kinds[0]
    elif kinds:
        kind["anyOf"] = kinds


def _name(failure: _Failure) -> str:
    return "Refused" if failure.error is DomainError else failure.error.__name__


def _answer(failure: _Failure) -> Json:
    shape = "InvalidRequest" if failure.error is Invalid else "Error"
    answer: Json = {
        "description": failure.says,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{shape}"},
                "example": {"detail": failure.detail},
            }
        },
    }
    if failure.error in (TooMany, Unavailable):
        seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        answer["headers"] = {"Retry-After": seconds}
    return answer


def _names(operation: Json, schema: Json) -> Iterator[str]:
    """The names of its parameters, and of all that its body may hold at any depth."""
    for parameter in operation.get("parameters", []):
        yield parameter["name"]
    yield from _members(operation.get("requestBody", {}), schema, set())


def _members(part: Any, schema: Json, seen: set[str]) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _members(each, schema, seen)
    if not isinstance(part, dict):
        return
    if (target := part.get("$ref")) and target not in seen:
        seen.add(target)
        yield from _members(resolve(part, schema), schema, seen)
    for key, value in part.items():
        if key == "properties":
            yield from value
            yield from _members(list(value.values()), schema, seen)
        elif key not in ("examples", "example"):
            yield from _members(value, schema, seen)


def resolve(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `part` refers to, or itself where it refers to nothing."""
    target = part.get("$ref")
    if not target:
        return part
    found: Any = schema
    for name in str(target).removeprefix("#/").split("/"):
        found = found[name]
    return resolve(found, schema)
