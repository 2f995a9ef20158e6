"""In every body of the API, null for a member that may be left out is the same as leaving it out."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi import FastAPI, UploadFile
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine

from app.core.access import Role
from app.core.bodies import Body
from app.core.database import unit_of_work
from app.core.permissions import routes_of
from app.evaluators.kinds import all_kinds
from app.main import create_app
from tests import factories
from tests.architecture.test_access import EVERY
from tests.architecture.world import build_world
from tests.web import with_key


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type, and those in their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for inner in get_args(annotation):
        yield from _models(inner)


BODIES = {
    f"{method} {route.path}": model
    for route, _ in routes_of(create_app())
    if isinstance(route, APIRoute) and route.path.startswith("/v5/")
    for method in route.methods
    for param in route.dependant.body_params
    for model in [param.field_info.annotation]
    if model is not UploadFile  # a form, which knows no null
}
EVERY_MODEL = {model for body in BODIES.values() for model in _models(body)} | {
    kind.Options for kind in all_kinds()
}


def _problems(model: type[BaseModel], data: dict[str, Any]) -> list[Any]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return [(item["loc"], item["type"]) for item in error.errors()]
    return []


@pytest.mark.parametrize("model", sorted(EVERY_MODEL, key=lambda model: model.__qualname__))
def test_null_is_no_problem_in_any_part_of_a_body(model: type[BaseModel]) -> None:
    assert issubclass(model, Body)
    optional = [name for name, field in model.model_fields.items() if not field.is_required()]
    assert _problems(model, dict.fromkeys(optional)) == _problems(model, {})


@pytest.mark.parametrize("route", sorted(BODIES))
def test_null_is_absent_over_http(app: FastAPI, database: Engine, route: str) -> None:
    with unit_of_work() as session:
        world = build_world(session, Role.ADMIN)
        key = factories.key(session, world.team.admin)
    call = EVERY[route](world)
    (model,) = get_args(BODIES[route]) or (BODIES[route],)
    nulls = dict.fromkeys(name for name, field in model.model_fields.items() if not field.is_required())
    body = [nulls | item for item in call.json] if isinstance(call.json, list) else nulls | call.json
    method, path = route.split(" ")
    with TestClient(app, base_url="http://whetstone.test") as client:
        answer = client.request(
            method,
            path.replace(":path}", "}").format(**call.path),
            headers={"x-api-key": key},
            json=body,
            params=call.query,
        )
    assert answer.is_success, answer.text


def test_a_body_that_may_be_empty_may_be_left_out() -> None:
    """Clients send none where they have nothing to say."""
    needed = {
        f"{method} {route.path}"
        for route, _ in routes_of(create_app())
        if isinstance(route, APIRoute) and route.path.startswith("/v5/")
        for method in route.methods
        for param in route.dependant.body_params
        if param.field_info.is_required()
        and isinstance(model := param.field_info.annotation, type)
        and issubclass(model, BaseModel)
        and not any(field.is_required() for field in model.model_fields.values())
    }
    assert needed == set()


def test_without_a_body_nothing_is_changed_and_what_is_not_there_is_not_found(
    client: TestClient, committed_team: factories.Team
) -> None:
    api = with_key(client, committed_team.admin)
    flow = api.post("/v5/flows", json={"path": "all/flow", "attributes": {}}).json()
    url = f"/v5/flows/{flow['id']}"
    for method, address in (
        ("PATCH", url),
        ("PATCH", f"{url}/versions/{flow['version_id']}"),
        ("POST", f"{url}/evaluators"),
        ("PATCH", f"/v5/directories/{flow['directory_id']}"),
    ):
        assert api.request(method, address).status_code == 200, address
        assert api.request(method, address.replace("_", "_x", 1)).status_code == 404, address
    assert api.get(url).json() == flow
    unnamed = api.post("/v5/flows")
    assert (unnamed.status_code, "path of the file" in unnamed.text) == (422, True)
