"""Logs that come at the same moment: each gets its own answer, and one that is refused costs no other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.statements import recorded
from tests.web import with_key
from tests.web_process import running_web

LOG = "/v5/prompts/log"


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _count() -> int:
    with unit_of_work() as session:
        return int(session.execute(text("select count(*) from log")).scalar_one())


def test_good_and_bad_logs_of_many_at_once(database: Engine, redis_url: str) -> None:
    with unit_of_work() as session:
        teams = [factories.team(session) for _ in range(2)]
        admins = [team.admin for team in teams]
        keys = [factories.key(session, admin) for admin in admins]
        viewer = factories.member(session, teams[0].workspace, Role.VIEWER)
        prompts = [factories.prompt(session, admin, "same/path") for admin in admins]
        viewers_key = factories.key(session, viewer)
    good = {"path": "same/path", "inputs": {"question": "x"}, "output": "y"}
    wanted: list[tuple[str, str, dict[str, Any], int, str]] = []
    for key, prompt in zip(keys, prompts, strict=True):
        wanted += [(key, LOG, good | {"output": str(n)}, 200, prompt.id) for n in range(8)]
        wanted += [(key, LOG, good | {"prompt": {"model": f"new {n}"}}, 200, "") for n in range(2)]
        wanted.append((key, LOG, {"path": "not/there"}, 404, ""))
        wanted.append((key, LOG, good | {"prompt": {"model": "m", "linked_tools": ["x"]}}, 422, ""))
        wanted.append((key, f"{LOG}?environment=nowhere", good, 404, ""))
    wanted += [("whet_wrong", LOG, good, 401, ""), (viewers_key, LOG, good, 403, "")]
    with running_web() as web, httpx2.Client(base_url=web.url, timeout=60) as client:
        together = threading.Barrier(len(wanted))

        def send(each: tuple[str, str, dict[str, Any], int, str]) -> list[str]:
            key, url, body, status, version_id = each
            together.wait(30)
            ids = []
            for _ in range(4):
                answer = client.post(url, json=body, headers={"x-api-key": key})
                assert answer.status_code == status, answer.text
                if status == 200:
                    assert version_id in ("", answer.json()["version_id"])
                    ids.append(answer.json()["id"])
            return ids

        with ThreadPoolExecutor(len(wanted)) as threads:
            ids = [log_id for found in threads.map(send, wanted) for log_id in found]
    assert len(set(ids)) == len(ids) == 4 * 20 == _count()
    with unit_of_work() as session:
        counted = session.execute(text("select sum(logs_count) from version")).scalar()
        assert counted == session.execute(text("select sum(logs_count) from file")).scalar() == 80


def test_the_same_log_ten_times_at_once_is_one(
    database: Engine, redis_url: str, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        key = factories.key(session, committed_team.admin)
        factories.prompt(session, committed_team.admin, "p")
    body = {
        "path": "p",
        "log_id": "mine-1",
        "inputs": {"question": "x"},
        "output": "y",
        "metadata": {"n": 1.5},
    }
    with running_web() as web, httpx2.Client(base_url=web.url, timeout=60) as client:
        together = threading.Barrier(10)

        def send(_: int) -> Any:
            together.wait(30)
            answer = client.post(LOG, json=body, headers={"x-api-key": key})
            assert answer.status_code == 200, answer.text
            return answer.json()

        with ThreadPoolExecutor(10) as threads:
            answers = list(threads.map(send, range(10)))
    assert answers == [answers[0]] * 10
    assert answers[0]["id"] == "mine-1"
    assert _count() == 1
    with unit_of_work() as session:
        assert session.execute(text("select sum(logs_count) from version")).scalar() == 1


def test_the_same_log_three_times_in_one_go_counts_once(
    api: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "p")
    said = {"type": "prompt", "path": "p", "log_id": "mine-1", "output": "y"}
    answer = api.post("/v5/logs/batch", json={"logs": [said] * 3})
    assert answer.json() == {"ids": ["mine-1"] * 3}
    assert _count() == 1
    with unit_of_work() as session:
        for table in ("version", "file"):
            assert session.execute(text(f"select sum(logs_count) from {table}")).scalar() == 1


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 200),
        ({"start_time": "2026-01-01T00:00:00Z"}, 200),
        ({"output": "z"}, 409),
        ({"inputs": {}}, 409),
        ({"error": "it broke"}, 409),
        ({"trace_parent_id": "log_x"}, 409),
        ({"prompt": {"model": "other"}}, 409),
    ],
)
def test_a_log_that_is_sent_again(
    api: TestClient, committed_team: factories.Team, more: dict[str, Any], status: int
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "p")
    body = {"path": "p", "log_id": "mine-1", "inputs": {"question": "x"}, "output": "y"}
    first = api.post(LOG, json=body).json()
    again = api.post(LOG, json=body | more)
    assert again.status_code == status, again.text
    if status == 200:
        assert again.json() == first
    else:
        assert "mine-1" in again.text
    assert _count() == 1


def test_a_flow_that_is_sent_again_takes_its_children_all_the_same(api: TestClient) -> None:
    flow = {"type": "flow", "path": "f", "log_id": "root"}
    child = {"type": "tool", "path": "t", "tool": {"function": {"name": "x"}}, "trace_parent_id": "root"}
    first = api.post("/v5/logs/batch", json={"logs": [flow, child | {"log_id": "leaf"}]}).json()
    again = api.post("/v5/logs/batch", json={"logs": [flow, child | {"log_id": "leaf"}, child]}).json()
    assert again["ids"][:2] == first["ids"] == ["root", "leaf"]
    children = api.get("/v5/logs/root").json()["trace_children"]
    assert {each["id"] for each in children} == set(again["ids"][1:])


def _writes_by_itself(statements: list[str]) -> bool:
    """Whether the logs and their counters were written by one statement, and nothing else was but the use of a key."""
    writing = [one for one in statements if "insert" in one.lower() or "update file" in one]
    return len(writing) == 1 and "insert into log" in writing[0] and "update version" in writing[0]


def test_plain_logs_are_written_by_one_statement(
    api: TestClient, committed_team: factories.Team, database: Engine
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "p")
        factories.prompt(session, committed_team.admin, "q")
    said = [{"type": "prompt", "path": path, "output": "y"} for path in "ppq"]
    with recorded(database) as statements:
        answer = api.post("/v5/logs/batch", json={"logs": said})
    assert _writes_by_itself(statements)
    assert len(set(answer.json()["ids"])) == 3 == _count()
    with unit_of_work() as session:
        for table in ("version", "file"):
            counts = session.scalars(text(f"select logs_count from {table} order by 1")).all()
            assert counts == [1, 2]


@pytest.mark.parametrize(
    ("beside", "status"),
    [
        ({"log_id": "mine-1"}, 200),
        ({"trace_parent_id": "log_x"}, 200),
        ({"prompt": {"model": "new"}}, 200),
        ({"source_datapoint_id": "dp_x"}, 200),
        ({"path": "not/there"}, 404),
    ],
)
def test_other_logs_have_their_transaction(
    api: TestClient,
    committed_team: factories.Team,
    database: Engine,
    beside: dict[str, Any],
    status: int,
) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "p")
    with recorded(database) as statements:
        answer = api.post("/v5/logs/batch", json={"logs": [{"type": "prompt", "path": "p"} | beside]})
    assert answer.status_code == status, answer.text
    assert not _writes_by_itself(statements)
