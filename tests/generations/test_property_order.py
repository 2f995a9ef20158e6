"""The order of a schema's properties, from where it is written to what a model is sent."""

from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.files.models import Version
from app.prompts.changes import compare_specs
from app.prompts.components import changed_components
from tests.generations.calls import CALL_URL
from tests.generations.model_server import ModelServer

NAMES = ["a_very_long_reason_first", "ok", "evidence", "b"]
TURNED = ["ok", "b", "evidence", "a_very_long_reason_first"]
PATH = "made/verdict"


def content(names: list[str], **more: Any) -> dict[str, Any]:
    """A prompt with these properties in its output and in its tool."""
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    return {
        "model": "m", "provider": "fake", "template": [{"role": "user", "content": "Judge {{x}}"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}},
        "tools": [{"name": "look", "description": "", "parameters": schema}],
    } | more  # fmt: skip


def orders(said: Mapping[str, Any]) -> list[list[str]]:
    """Of the output and of the tool, in a version or in what was sent."""
    tool = said["tools"][0]
    schemas = said["response_format"]["json_schema"]["schema"], tool.get("function", tool)["parameters"]
    return [list(schema["properties"]) for schema in schemas]


def written(client: TestClient, names: list[str], **more: Any) -> dict[str, Any]:
    answer = client.post("/v5/prompts", json={"path": PATH} | content(names, **more))
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def test_a_model_is_sent_what_was_written(caller: TestClient, model: ModelServer) -> None:
    version = written(caller, NAMES)
    assert orders(version) == [NAMES, NAMES]
    read = caller.get(f"/v5/prompts/{version['id']}").json()
    assert orders(read) == [NAMES, NAMES]
    called = caller.post(CALL_URL, json={"path": PATH, "inputs": {"x": "it"}})
    assert called.status_code == 200, called.text
    assert orders(model.bodies[-1]) == [NAMES, NAMES]
    again = caller.post(CALL_URL, json={"path": PATH, "prompt": content(TURNED), "inputs": {"x": "it"}})
    assert again.json()["prompt"]["version_id"] == version["version_id"], "a caller who does not say so"
    assert orders(model.bodies[-1]) == [TURNED, TURNED], "and is sent what they wrote"
    text = caller.get(f"/v5/prompts/{version['id']}/serialize").text
    assert orders(caller.post("/v5/prompts/deserialize", json={"prompt": text}).json()) == [NAMES, NAMES]


def test_another_order_is_a_version_only_for_who_says_that_it_counts(caller: TestClient) -> None:
    first = written(caller, NAMES)
    assert written(caller, TURNED)["version_id"] == first["version_id"]
    second = written(caller, TURNED, property_order_counts=True)
    assert second["version_id"] != first["version_id"]
    assert (orders(first), orders(second)) == ([NAMES, NAMES], [TURNED, TURNED])
    for names, more, version in (
        (NAMES, {"property_order_counts": True}, first),
        (NAMES, {}, first),
        (TURNED, {"property_order_counts": True}, second),
        (TURNED, {}, second),
        (NAMES[::-1], {}, first),
    ):
        assert written(caller, names, **more)["version_id"] == version["version_id"]
    assert len(caller.get(f"/v5/prompts/{first['id']}/versions").json()["records"]) == 2


def test_where_the_first_is_deleted_the_next_answers_for_every_order(caller: TestClient) -> None:
    first, second = written(caller, NAMES), written(caller, TURNED, property_order_counts=True)
    caller.post(
        f"/v5/prompts/{first['id']}/environments/{_default(first)}",
        params={"version_id": second["version_id"]},
    )
    deleted = caller.delete(f"/v5/prompts/{first['id']}/versions/{first['version_id']}")
    assert deleted.status_code == 204, deleted.text
    for names in (TURNED, NAMES, NAMES[::-1]):
        assert written(caller, names)["version_id"] == second["version_id"]


def _default(version: Mapping[str, Any]) -> str:
    return next(each["id"] for each in version["environments"] if each["tag"] == "default")


def test_members_that_are_no_properties_have_no_order(caller: TestClient) -> None:
    first = written(caller, NAMES, attributes={"team": "a", "stage": "b"})
    turned = dict(reversed(content(NAMES, attributes={"stage": "b", "team": "a"}).items()))
    again = caller.post("/v5/prompts", json=turned | {"path": PATH, "property_order_counts": True}).json()
    assert again["version_id"] == first["version_id"]


@pytest.mark.parametrize("batch", [False, True])
def test_a_log_is_of_the_version_with_its_order_or_else_of_the_first(caller: TestClient, batch: bool) -> None:
    first, second = written(caller, NAMES), written(caller, TURNED, property_order_counts=True)
    for names, version in ((NAMES, first), (TURNED, second), (NAMES[::-1], first)):
        log = {"path": PATH, "prompt": content(names), "output": "yes"}
        if batch:
            answer = caller.post("/v5/logs/batch", json={"logs": [{"type": "prompt"} | log]})
            assert answer.status_code == 200, answer.text
            log_id = answer.json()["ids"][0]
        else:
            log_id = caller.post("/v5/prompts/log", json=log).json()["id"]
        assert caller.get(f"/v5/logs/{log_id}").json()["prompt"]["version_id"] == version["version_id"]


def test_the_difference_is_told_where_versions_are_compared(caller: TestClient) -> None:
    first, second = written(caller, NAMES), written(caller, TURNED, property_order_counts=True)
    with unit_of_work() as session:
        specs = [session.get_one(Version, one["version_id"]).spec for one in (first, second)]
    changes = compare_specs(*specs)
    assert {(one.name, one.before, one.after) for one in changes.changed_settings} == {
        (f"{where}.properties (order)", ", ".join(NAMES), ", ".join(TURNED))
        for where in ("response_format.json_schema.schema", "tools.look.parameters")
    }
    assert changes.tools_changed == 1
    found = {one.component: one.size for one in changed_components(*specs)}
    assert found == {"tools": "1 tool", "response_schema": "1 field"}
    assert changed_components(specs[0], specs[0]) == []
