"""Whatever id of its own a log is taken under, it can be asked for, changed and deleted by it."""

from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


KINDS: dict[str, dict[str, Any]] = {
    "prompt": {"prompt": {"model": "m"}},
    "agent": {"agent": {"model": "m"}},
    "tool": {"tool": {"function": {"name": "f"}}},
    "flow": {"flow": {"attributes": {"n": 1}}},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own", ["a/b", "/a", "a//b", "a/", "...", "a?b", "a#b", "a b", "é", "batch"])
def test_a_log_is_found_changed_and_deleted_by_its_own_id(api: TestClient, kind: str, own: str) -> None:
    said = {"path": f"own/{kind}", "log_id": own, "output": "o", "log_status": "incomplete"}
    made = api.post(f"/v5/{kind}s/log", json=said | KINDS[kind])
    assert made.status_code == 200, made.text
    assert made.json()["id"] == own
    file_id = made.json()[f"{kind}_id"]
    for address in {quote(own, safe=""), quote(own, safe="/")}:
        asked = api.get(f"/v5/logs/{address}")
        assert (asked.status_code, asked.json().get("id")) == (200, own), address
        where = f"flows/logs/{address}" if kind == "flow" else f"{kind}s/{file_id}/log/{address}"
        changed = api.patch(f"/v5/{where}", json={"output": "later"})
        assert (changed.status_code, changed.json().get("output")) == (200, "later"), changed.text
    assert api.delete("/v5/logs", params={"id": own}).status_code == 204
    assert api.get(f"/v5/logs/{quote(own, safe='')}").status_code == 404


@pytest.mark.parametrize("own", [".", "..", "a/..", "./a", "a/../b"])
def test_what_no_url_can_carry_is_refused_as_an_id(
    api: TestClient, committed_team: factories.Team, own: str
) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
    log = {"path": "own/flow", "log_id": own}
    judgment = {"version_id": human.id, "parent_id": "x", "judgment": True, "log_id": own}
    for address, said in (
        ("flows/log", log),
        ("logs/batch", {"logs": [log | {"type": "flow"}]}),
        ("prompts/call", {"path": "own/prompt", "log_id": own}),
        ("evaluators/log", judgment),
    ):
        answer = api.post(f"/v5/{address}", json=said)
        assert answer.status_code == 422, (address, answer.text)
        (problem,) = answer.json()["detail"]
        assert problem["loc"][-1] == "log_id", address
        assert "no part of it may be `.` or `..`" in problem["msg"]
