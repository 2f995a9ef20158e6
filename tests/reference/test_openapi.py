"""The description of the API says of every operation what it is for, what it takes, and how it fails."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.core.openapi import resolve
from app.main import create_app
from app.reference.words import SECTIONS

SCHEMA = create_app().openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
BODIES = [
    (name, kind, content)
    for name, operation in OPERATIONS.items()
    for kind, content in operation.get("requestBody", {}).get("content", {}).items()
]


def test_every_route_of_the_api_is_described(app: FastAPI) -> None:
    routes = {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, APIRoute) and route.path.startswith("/v5/")
        for method in route.methods
    }
    assert set(OPERATIONS) == routes


def test_the_description_is_valid() -> None:
    """As a JSON schema, each of its shapes."""
    for name, shape in SCHEMA["components"]["schemas"].items():
        (
            jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **shape}),
            name,
        )
    for reference in _references(SCHEMA):
        assert resolve({"$ref": reference}, SCHEMA)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def test_no_two_operations_have_the_same_name() -> None:
    names = Counter(operation["operationId"] for operation in OPERATIONS.values())
    assert [name for name, count in names.items() if count > 1] == []
    titles = Counter(operation["summary"] for operation in OPERATIONS.values())
    assert [title for title, count in titles.items() if count > 1] == []


def test_every_section_says_what_it_is_about_and_has_operations() -> None:
    assert [(tag["name"], tag["description"]) for tag in SCHEMA["tags"]] == list(SECTIONS)
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == {
        name for name, _ in SECTIONS
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_is_needs_and_answers(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert operation["security"] == [{"ApiKey": []}]
    assert operation["x-roles"]
    assert any(status.startswith("2") for status in operation["responses"])
    assert all(parameter.get("description") for parameter in operation.get("parameters", [])), name


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_how_it_fails(name: str) -> None:
    operation, method = OPERATIONS[name], name.partition(" ")[0]
    expected = {"401", "403", "429", "503"}
    if name != "POST /v5/import/otel/v1/traces":  # it answers 200 to whatever comes
        if "requestBody" in operation:
            expected |= {"413", "422"}
        if operation.get("parameters"):
            expected |= {"422"}
        if "{" in name:
            expected |= {"404"}
        if method in ("PATCH", "PUT", "DELETE"):
            expected |= {"409"}
    assert expected <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        if status >= "400":
            content = resolve(answer, SCHEMA)["content"]["application/json"]
            assert resolve(content["schema"], SCHEMA)["required"] == ["detail"], status
            shape = {**content["schema"], "components": SCHEMA["components"]}
            jsonschema_rs.Draft202012Validator(shape).validate(content["example"])


@pytest.mark.parametrize(("name", "kind", "content"), BODIES, ids=[f"{n} {k}" for n, k, _ in BODIES])
def test_a_body_has_an_example_that_its_shape_allows(name: str, kind: str, content: Any) -> None:
    shape = {**content["schema"], "components": SCHEMA["components"]}
    jsonschema_rs.Draft202012Validator(shape).validate(content["example"])


def test_every_body_is_described() -> None:
    silent = (
        "retry",
        "resume",
        "undo",
        "stop",
        "restore",
        "rebase",
        "test",
        "renew",
        "{environment_id}",
        "/runs/{run_id}",
    )
    without = [
        n for n in OPERATIONS if n.startswith(("POST", "PUT", "PATCH")) and "requestBody" not in OPERATIONS[n]
    ]
    assert [name for name in without if not name.endswith(silent)] == []


def test_null_is_described_where_it_is_taken() -> None:
    members = SCHEMA["components"]["schemas"]["PromptLog"]["properties"]
    assert all({"type": "null"} in member["anyOf"] for member in members.values())
    assert {"type": "null"} not in SCHEMA["components"]["schemas"]["PromptSpec"]["properties"]["model"].get(
        "anyOf", []
    )
