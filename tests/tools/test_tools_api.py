"""Tools as a client of the API sees them: versions by content, and the members that clients need."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

FUNCTION = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": ["string", "null"]}},
        "required": ["city"],
    },
}
NEEDED = {
    "path", "id", "name", "version_id", "type", "created_at", "updated_at", "last_used_at", "version_logs_count",
    "total_logs_count", "inputs",
}  # fmt: skip
"""What the clients' model of a tool requires."""


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _upsert(api: TestClient, **said: Any) -> dict[str, Any]:
    answer = api.post("/v5/tools", json={"path": "tools/weather"} | said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_tool_has_what_clients_need(api: TestClient) -> None:
    # As the client's `tools.upsert` sends it: what was not said is null.
    tool = _upsert(
        api, id=None, function=FUNCTION, source_code=None, setup_values=None, attributes={"team": "core"},
        tool_type=None, version_name="first", version_description="Because.",
    )  # fmt: skip

    assert set(tool) >= NEEDED
    assert (tool["type"], tool["path"], tool["name"]) == ("tool", "tools/weather", "weather")
    assert tool["id"].startswith("tl_")
    assert tool["version_id"].startswith("tv_")
    assert tool["function"] == FUNCTION
    assert tool["attributes"] == {"team": "core"}
    assert (tool["source_code"], tool["setup_values"]) == (None, None)
    assert tool["tool_type"] == "json_schema"
    assert tool["signature"] == "get_weather(city: string, unit)"
    assert tool["inputs"] == [{"name": "city"}, {"name": "unit"}]
    assert (tool["version_name"], tool["version_description"]) == ("first", "Because.")
    assert [each["name"] for each in tool["environments"]] == ["production"], "the first version is deployed"
    assert api.get(f"/v5/tools/{tool['id']}").json() == tool


def test_the_same_content_is_the_same_version_however_it_is_written(api: TestClient) -> None:
    source = {"function": FUNCTION, "source_code": "def get_weather(city): ..."}
    first = _upsert(api, **source)
    shuffled = {name: FUNCTION[name] for name in reversed(FUNCTION)}
    for same in (
        source | {"function": shuffled},
        source | {"attributes": {}, "setup_values": {}},  # spans leave empty objects out
        source | {"tool_type": "python"},  # which follows from the source
        source | {"function": FUNCTION | {"unknown": 1}},
    ):
        assert _upsert(api, **same)["version_id"] == first["version_id"]
    for other in (
        source | {"tool_type": "mock"},
        source | {"attributes": {"a": 1}},
        source | {"setup_values": {"key": "x"}},
        {"function": FUNCTION},
    ):
        assert _upsert(api, **other)["version_id"] != first["version_id"]
    assert api.get(f"/v5/tools/{first['id']}").json()["version_id"] == first["version_id"], "deployed stays"
    versions = api.get(f"/v5/tools/{first['id']}/versions").json()["records"]
    assert len(versions) == 5


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"tool_type": "hammer"}, "tool_type"),
        ({"function": {"description": "has no name"}}, "name"),
        ({"function": {"name": "x", "parameters": "city"}}, "parameters"),
        ({"source_code": 7}, "source_code"),
        ({"path": ""}, "path"),
        ({"path": None}, "path"),
    ],
)
def test_what_is_no_tool_is_refused_by_member(api: TestClient, said: dict[str, Any], where: str) -> None:
    answer = api.post("/v5/tools", json={"path": "tools/x"} | said)

    assert answer.status_code == 422
    assert any(where in problem["loc"] for problem in answer.json()["detail"]), answer.text


def test_a_schema_may_be_odd(api: TestClient) -> None:
    for number, parameters in enumerate(
        [{}, {"properties": []}, {"properties": {"a": True}}, {"type": "object"}]
    ):
        tool = _upsert(api, path=f"tools/odd {number}", function={"name": "odd", "parameters": parameters})
        assert tool["signature"] in ("odd()", "odd(a)")


def test_a_tool_is_listed_moved_and_deleted(api: TestClient) -> None:
    tool = _upsert(api, function=FUNCTION)
    assert [each["id"] for each in api.get("/v5/tools").json()["records"]] == [tool["id"]]
    assert api.get("/v5/tools?page=2").json()["records"] == []
    assert [each["type"] for each in api.get("/v5/files?type=tool").json()["records"]] == ["tool"]
    moved = api.patch(f"/v5/tools/{tool['id']}", json={"path": "elsewhere/rain", "name": None})
    assert moved.json()["path"] == "elsewhere/rain"
    found = api.post("/v5/files/retrieve-by-path", json={"path": "elsewhere/rain"}).json()
    assert found["function"] == FUNCTION
    assert api.delete(f"/v5/tools/{tool['id']}").status_code == 204
    assert api.get(f"/v5/tools/{tool['id']}").status_code == 404


def test_a_path_of_another_kind_is_taken(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin, "taken/path")
    assert api.post("/v5/tools", json={"path": "taken/path"}).status_code == 409
    assert api.post("/v5/tools", json={"id": prompt.file_id}).status_code == 404
    assert api.post("/v5/tools", json={"id": "tl_unknown"}).status_code == 404
    assert api.get(f"/v5/tools/{prompt.file_id}").status_code == 404


def test_a_viewer_writes_no_tool(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    assert with_key(client, viewer).post("/v5/tools", json={"path": "tools/x"}).status_code == 403


def test_the_pages_of_files_open_beside_tools_and_flows(
    client: TestClient, committed_team: factories.Team
) -> None:
    """A path of theirs leads to the page that each has."""
    from tests.web import signed_in

    with unit_of_work() as session:
        tool = factories.tool(session, committed_team.admin, "both/tool")
        factories.flow(session, committed_team.admin, "both/flow")
        tool_id = tool.file_id
    signed_in(client, committed_team.admin)
    home = f"/w/{committed_team.workspace.slug}"
    for page in ("", "/files", "/files/both", "/settings/environments"):
        assert client.get(home + page).status_code == 200, page
    answer = client.get(f"{home}/files/both/tool")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{home}/tools/{tool_id}")
    assert client.get(answer.headers["location"]).status_code == 200
