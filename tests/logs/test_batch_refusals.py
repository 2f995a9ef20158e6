"""Of many logs that come at once, the refusal says which one it is about."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

BATCH = "/v5/logs/batch"
FINE = {"type": "flow", "path": "b/flow", "output": "x"}
PROMPT = {"type": "prompt", "path": "b/prompt"}
MODEL = {"model": "m", "provider": "fake"}


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def refused(api: TestClient, *logs: dict[str, Any]) -> tuple[int, Any]:
    answer = api.post(BATCH, json={"logs": logs})
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from log")) == 0, "all, or none"
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize(
    ("bad", "member"),
    [
        ({"prompt": MODEL | {"template": "{% if", "template_language": "jinja"}}, "template"),
        ({"prompt": "junk"}, ""),
        ({"path": "b//c", "prompt": MODEL}, "path"),
        ({"path": None}, "path"),
        ({"prompt": MODEL | {"linked_tools": ["pr_none"]}}, ""),
        ({"log_id": "own", "trace_parent_id": "own", "prompt": MODEL}, "trace_parent_id"),
    ],
)
def test_what_is_wrong_with_one_log_says_which(api: TestClient, bad: dict[str, Any], member: str) -> None:
    status, detail = refused(api, FINE, FINE, FINE, PROMPT | bad)

    assert status == 422, detail
    (said,) = detail
    assert said["loc"][:3] == ["body", "logs", 3], said
    assert member in said["loc"] or not member, said
    assert said["msg"].startswith("logs[3]: "), said
    assert said["msg"].count("logs[") == 1, said


def test_other_refusals_name_it_too(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
    unknown = refused(api, FINE, PROMPT | {"path": "no/such"}, FINE)
    judgment = {"type": "evaluator", "version_id": human.id, "parent_id": "root", "judgment": True}
    root = FINE | {"log_id": "root"}
    beside_judgments = refused(api, judgment, root, FINE, PROMPT | {"path": "no/such"})
    of_nothing = refused(api, root, judgment, judgment | {"parent_id": "nowhere"})
    twice = refused(api, FINE, root, root | {"output": "another"})

    assert unknown[0] == beside_judgments[0] == of_nothing[0] == 404
    assert unknown[1].startswith("logs[1]: "), unknown
    assert "no/such" in unknown[1], unknown
    assert beside_judgments[1].startswith("logs[3]: "), beside_judgments
    assert of_nothing[1].startswith("logs[2]: "), of_nothing
    assert (twice[0], twice[1][:5]) == (409, "logs["), twice


def test_a_log_by_itself_is_not_numbered(api: TestClient) -> None:
    answer = api.post("/v5/prompts/log", json={"path": "no/such", "output": "x"})
    assert (answer.status_code, "[0]" in answer.text) == (404, False)
