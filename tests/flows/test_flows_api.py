"""Flows as a client of the API sees them: attributes that tell versions apart."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.web import with_key

# From the documentation of the client's `flows.upsert`.
ATTRIBUTES = {
    "prompt": {
        "template": "You are a helpful assistant helping with medical anamnesis",
        "model": "gpt-4o",
        "temperature": 0.8,
    },
    "tool": {
        "name": "retrieval_tool_v3",
        "description": "Retrieval tool for MedQA.",
        "source_code": "def retrieval_tool(question: str) -> str:\n    pass\n",
    },
    "version_name": "medqa-flow-v1",
}


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _upsert(api: TestClient, **said: Any) -> dict[str, Any]:
    answer = api.post("/v5/flows", json={"path": "Personal Projects/MedQA Flow"} | said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_flow_has_what_clients_need(api: TestClient) -> None:
    flow = _upsert(api, attributes=ATTRIBUTES)

    assert set(flow) >= {
        "path", "id", "name", "version_id", "type", "created_at", "updated_at", "last_used_at", "attributes",
        "version_logs_count",
    }  # fmt: skip
    assert (flow["type"], flow["name"], flow["attributes"]) == ("flow", "MedQA Flow", ATTRIBUTES)
    assert flow["id"].startswith("fl_")
    assert flow["version_id"].startswith("flv_")
    assert api.get(f"/v5/flows/{flow['id']}").json() == flow


def test_attributes_decide_the_version(api: TestClient) -> None:
    first = _upsert(api, attributes=ATTRIBUTES)
    again = _upsert(api, attributes=dict(reversed(ATTRIBUTES.items())) | {"absent": None})
    other = _upsert(api, attributes=ATTRIBUTES | {"commit": "4f2a1c"})
    nothing = [_upsert(api, attributes={}), _upsert(api, attributes=None), _upsert(api)]

    assert again["version_id"] == first["version_id"]
    assert other["version_id"] != first["version_id"]
    assert len({each["version_id"] for each in nothing}) == 1
    assert nothing[0]["attributes"] == {}


def test_what_are_no_attributes_is_refused(api: TestClient) -> None:
    for attributes in ("text", [1], 7):
        assert api.post("/v5/flows", json={"path": "x", "attributes": attributes}).status_code == 422
    deep: dict[str, Any] = {}
    for _ in range(150):
        deep = {"in": deep}
    assert api.post("/v5/flows", json={"path": "x", "attributes": deep}).status_code == 422
    assert api.post("/v5/flows", json={"path": "x", "attributes": {"nul": "\x00"}}).status_code == 422


def test_a_flow_is_deployed_and_found_by_its_environment(api: TestClient) -> None:
    first = _upsert(api, attributes={"commit": "1"})
    second = _upsert(api, attributes={"commit": "2"})
    places = api.get(f"/v5/flows/{first['id']}/environments").json()
    staging = next(each for each in places if each["name"] == "staging")
    url = f"/v5/flows/{first['id']}/environments/{staging['id']}?version_id={second['version_id']}"
    assert api.post(url).status_code == 200
    shown = api.get(f"/v5/flows/{first['id']}?environment=staging").json()
    assert shown["attributes"] == {"commit": "2"}
