"""Many logs at once: all or none, in the order given, nested under each other."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

BATCH = "/v5/logs/batch"


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _count() -> int:
    with unit_of_work() as session:
        return session.scalar(text("select count(*) from log")) or 0


def test_logs_of_every_type_in_their_order(api: TestClient) -> None:
    logs: list[dict[str, Any]] = [
        {"type": "flow", "path": "b/flow", "log_id": "root", "flow": {"attributes": {"n": 1}}},
        {"type": "tool", "path": "b/tool", "tool": {"function": {"name": "f"}}, "trace_parent_id": "root", "output": "1"},
        {"type": "prompt", "path": "b/prompt", "prompt": {"model": "m"}, "trace_parent_id": "root", "output": "2"},
        {"type": "flow", "path": "b/flow", "log_status": "complete"},
    ]  # fmt: skip
    answer = api.post(BATCH, json={"logs": logs})

    assert answer.status_code == 200, answer.text
    ids = answer.json()["ids"]
    assert ids[0] == "root"
    shown = [api.get(f"/v5/logs/{log_id}").json() for log_id in ids]
    assert [log["output"] for log in shown] == [None, "1", "2", None]
    assert [log["id"] for log in shown[0]["trace_children"]] == ids[1:3]
    assert [next(kind for kind in ("prompt", "tool", "flow") if kind in log) for log in shown] == [
        "flow", "tool", "prompt", "flow",
    ]  # fmt: skip
    listed = api.get("/v5/logs", params={"file_id": shown[0]["flow"]["id"]}).json()["records"]
    assert [log["id"] for log in listed] == [ids[3], ids[0]], "the last one is the newest"


def test_a_thousand_logs_are_counted_and_more_are_refused(
    api: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
    one = {"type": "prompt", "version_id": prompt.id, "output": "x"}
    answer = api.post(BATCH, json={"logs": [one] * 1000})
    assert answer.status_code == 200, answer.text
    assert len(set(answer.json()["ids"])) == 1000
    shown = api.get(f"/v5/prompts/{prompt.file_id}").json()
    assert (shown["version_logs_count"], shown["total_logs_count"]) == (1000, 1000)
    assert api.post(BATCH, json={"logs": [one] * 1001}).status_code == 422
    assert api.post(BATCH, json={"logs": []}).status_code == 422
    assert _count() == 1000


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ({"type": "tool", "path": "not/there"}, 404),
        ({"type": "prompt", "version_id": "prv_unknown"}, 404),
        ({"type": "flow", "path": "b/flow", "log_id": "root", "output": "another"}, 409),
        ({"type": "evaluator", "path": "x"}, 422),
        ({"path": "no/type"}, 422),
        ({"type": "flow", "path": "b/flow", "output": 7}, 422),
    ],
)
def test_one_that_is_wrong_undoes_all(api: TestClient, bad: dict[str, Any], status: int) -> None:
    good = {"type": "flow", "path": "b/flow", "log_id": "root"}
    answer = api.post(BATCH, json={"logs": [good, bad]})
    assert answer.status_code == status, answer.text
    assert _count() == 0
    assert api.post("/v5/files/retrieve-by-path", json={"path": "b/flow"}).status_code == 404


def test_an_error_names_the_log(api: TestClient) -> None:
    answer = api.post(BATCH, json={"logs": [{"type": "flow", "path": "a"}, {"type": "flow", "inputs": 7}]})
    assert answer.json()["detail"][0]["loc"][:3] == ["body", "logs", 1]


def test_a_reviewer_sends_no_batch(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        reviewer = factories.member(session, committed_team.workspace, Role.REVIEWER)
    judgment = {"type": "evaluator", "path": "x", "parent_id": "y", "judgment": True}
    for sent in ({"type": "flow", "path": "a"}, judgment):
        answer = with_key(client, reviewer).post(BATCH, json={"logs": [sent]})
        assert answer.status_code == 403


def test_judgments_come_with_the_logs_that_they_are_of(
    api: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
        before = factories.logged(
            session, committed_team.admin, factories.flow(session, committed_team.admin)
        )
    logs = [
        {
            "type": "evaluator",
            "version_id": human.id,
            "parent_id": "root",
            "judgment": True,
            "log_id": "mine-1",
        },
        {"type": "flow", "path": "b/flow", "log_id": "root", "output": "1"},
        {"type": "evaluator", "path": human.file.path, "parent_id": before, "judgment": False, "user": "u-1"},
        {"type": "prompt", "path": "b/prompt", "prompt": {"model": "m"}, "trace_parent_id": "root"},
    ]
    answer = api.post(BATCH, json={"logs": logs})
    assert answer.status_code == 200, answer.text
    ids = answer.json()["ids"]
    assert ids[:2] == ["mine-1", "root"], "in the order in which they were sent"
    shown = {log_id: api.get(f"/v5/logs/{log_id}").json() for log_id in ("root", before)}
    assert [(one["id"], one["judgment"]) for one in shown["root"]["evaluator_logs"]] == [("mine-1", True)]
    assert [(one["id"], one["judgment"]) for one in shown[before]["evaluator_logs"]] == [(ids[2], False)]
    assert [log["id"] for log in shown["root"]["trace_children"]] == [ids[3]]
    again = api.post(BATCH, json={"logs": logs})
    assert again.status_code == 200, "sent again, but for the log that has no id of its own, it is the same"
    assert again.json()["ids"][:3] == ids[:3]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"parent_id": "nowhere"}, 404),
        ({"version_id": "evv_unknown"}, 404),
        ({"judgment": "neither"}, 422),
        ({"log_id": "root"}, 409),
    ],
)
def test_a_judgment_that_is_wrong_undoes_all(
    api: TestClient, committed_team: factories.Team, more: dict[str, Any], status: int
) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
    judgment = {"type": "evaluator", "version_id": human.id, "parent_id": "root", "judgment": True}
    logs = [{"type": "flow", "path": "b/flow", "log_id": "root"}, judgment, judgment | more]
    answer = api.post(BATCH, json={"logs": logs})
    assert answer.status_code == status, answer.text
    assert _count() == 0
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from judgment")) == 0
