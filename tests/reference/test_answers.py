"""What the operations really answer has the shape that is described, for each of them."""

from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.openapi import resolve
from app.main import create_app
from tests import factories
from tests.architecture.test_access import DESCRIBED
from tests.architecture.world import build_world

SCHEMA = create_app().openapi()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
UNSHAPED = {
    "deserialize_prompt",
    "deserialize_agent",
    "serialize_prompt",
    "serialize_agent",
    "follow_evaluation",
}
"""Content that a prompt or agent has, texts, and a stream."""


def test_every_answer_has_a_shape() -> None:
    without = [
        operation["operationId"]
        for operation in OPERATIONS.values()
        for status, answer in operation["responses"].items()
        if status < "300"
        and status != "204"
        and not _shape(answer).keys() & {"$ref", "properties", "items", "anyOf"}
    ]
    assert set(without) == UNSHAPED


def _shape(answer: Any) -> Any:
    return resolve(answer, SCHEMA).get("content", {}).get("application/json", {}).get("schema", {})


def answer_to(client: TestClient, label: str) -> Any:
    """To the valid request of the access test, sent by an admin."""
    with unit_of_work() as session:
        world = build_world(session, Role.ADMIN)
        key = factories.key(session, world.team.admin)
    call, (method, path) = DESCRIBED[label](world), label.split(" ")
    return client.request(
        method,
        path.format(**call.path),
        headers={"x-api-key": key},
        params=call.query,
        json=call.json,
        content=call.content,
        files={"file": call.upload} if call.upload else None,
    )


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_an_answer_is_as_it_is_described(app: FastAPI, database: Engine, label: str) -> None:
    with TestClient(app) as client:
        answer = answer_to(client, label)
    described = OPERATIONS[label]["responses"][str(answer.status_code)]
    assert answer.status_code < 300, answer.text
    if answer.status_code == 204:
        assert answer.content == b""
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in described["content"]
    if kind == "application/json":
        example = described["content"][kind].get("example")
        shape = {**_shape(described), "components": SCHEMA["components"]}
        jsonschema_rs.Draft202012Validator(shape).validate(answer.json())
        assert example is not None, "tests/reference/record_examples.py writes it"
        jsonschema_rs.Draft202012Validator(shape).validate(example)
        if isinstance(example, dict):
            assert example.keys() == answer.json().keys(), "tests/reference/record_examples.py writes it anew"
