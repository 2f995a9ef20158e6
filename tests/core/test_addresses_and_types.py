"""What is wrong with how a request is sent is said where it is: the content type, the path, the query."""

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.web import with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    "address",
    [
        "/v5/prompts/call",
        "/v5/prompts",
        "/v5/prompts/log",
        "/v5/logs/batch",
        "/v5/evaluations",
        "/v5/tools/call",
    ],
)
def test_a_body_without_its_content_type_says_which_to_send(
    api: TestClient, address: str, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = api.post(address, content=b'{"path": "a/b", "inputs": {}}', headers=headers)

    assert answer.status_code == 422, answer.text
    (said,) = answer.json()["detail"]
    assert said["loc"] == ["body"]
    assert "Content-Type: application/json" in said["msg"], said


def test_a_body_of_json_that_is_no_object_is_told_so(api: TestClient) -> None:
    answer = api.post("/v5/prompts/call", json=["a"])
    assert (answer.status_code, "Content-Type" in answer.text) == (422, False)


@pytest.mark.parametrize(
    ("method", "address", "loc"),
    [
        ("GET", "/v5/prompts/pr_%00", ["path", "file_id"]),
        ("GET", "/v5/logs/log%00x", ["path", "log_id"]),
        ("GET", "/v5/prompts?name=a%00b", ["query", "name"]),
        ("GET", "/v5/logs?file_id=pr%00", ["query", "file_id"]),
        ("POST", "/v5/prompts/log?version_id=%00", ["query", "version_id"]),
    ],
)
def test_nul_is_reported_where_it_is(api: TestClient, method: str, address: str, loc: list[str]) -> None:
    body = {"path": "a/b", "inputs": {}} if method == "POST" else None
    answer = api.request(method, address, json=body)

    assert answer.status_code == 422, answer.text
    (said,) = answer.json()["detail"]
    assert said["loc"] == loc, said
    assert f"`{loc[1]}` holds a NUL character" in said["msg"]


@pytest.mark.parametrize("path", ["/v5//prompts", "/v5///prompts", "/v5//files/retrieve-by-path"])
def test_a_base_address_that_ends_with_a_slash_is_the_same_one(api: TestClient, path: str) -> None:
    folded = "/v5/" + path[4:].lstrip("/")
    asked, meant = api.get(path), api.get(folded)
    assert (asked.status_code, asked.json()) == (meant.status_code, meant.json())
    assert asked.status_code in (200, 405)


def test_nul_is_reported_also_where_something_else_is_not_there_either(api: TestClient) -> None:
    answer = api.get("/v5/prompts/pr_unknown/versions?environment=%00")
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == ["query", "environment"]
