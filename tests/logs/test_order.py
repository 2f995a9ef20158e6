"""What belongs together arrives in any order: the tree is right in the end, and nothing breaks on the way."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key
from tests.web_process import running_web

PARENTS = {
    "root": None,
    "call": "root",
    "look up": "root",
    "inner": "look up",
    "deep": "inner",
    "deeper": "deep",
}
"""A flow, and what is nested under it."""


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def _body(name: str) -> dict[str, Any]:
    body = {"path": f"order/{name}", "log_id": name, "trace_parent_id": PARENTS[name], "output": name}
    if name == "root":
        return body | {"type": "flow"}
    if name == "call":
        return body | {"type": "prompt", "prompt": {"model": "m"}}
    return body | {"type": "tool", "tool": {"function": {"name": "look"}}}


def _tree(log: dict[str, Any]) -> dict[str, Any]:
    return {log["id"]: [_tree(child) for child in log["trace_children"] or ()]}


@pytest.mark.parametrize("order", range(8))
def test_children_come_before_parents_alone_or_together(api: TestClient, order: int) -> None:
    chance = random.Random(order)
    names = list(PARENTS)
    chance.shuffle(names)
    while names:
        together = chance.choice([1, 1, 2, 3])
        sent, names = names[:together], names[together:]
        if len(sent) == 1:
            body = _body(sent[0])
            answer = api.post(f"/v5/{body.pop('type')}s/log", json=body)
        else:
            answer = api.post("/v5/logs/batch", json={"logs": [_body(name) for name in sent]})
        assert answer.status_code == 200, answer.text
    shown = api.get("/v5/logs/root").json()
    assert {each["id"] for each in shown["trace_children"]} == {"call", "look up"}
    assert sorted(map(str, _tree(shown)["root"])) == sorted(
        map(str, [{"call": []}, {"look up": [{"inner": [{"deep": [{"deeper": []}]}]}]}])
    )
    assert {shown["trace_id"], shown["id"]} == {"root"}
    completed = api.patch("/v5/flows/logs/root", json={"log_status": "complete"})
    assert completed.json()["log_status"] == "complete"
    late = api.post("/v5/tools/log", json=_body("inner") | {"log_id": "late", "type": None})
    assert late.status_code == 409, "the trace is complete"


def test_a_parent_and_its_child_at_the_same_moment(
    database: Engine, redis_url: str, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        key = factories.key(session, committed_team.admin)
    said = {"path": "order/call", "prompt": {"model": "m"}}
    with (
        running_web() as web,
        httpx2.Client(base_url=web.url, timeout=60, headers={"x-api-key": key}) as client,
    ):
        assert client.post("/v5/prompts/log", json=said).status_code == 200
        together = threading.Barrier(20)

        def send(n: int) -> None:
            pair, child = divmod(n, 2)
            body = said | ({"trace_parent_id": f"parent {pair}"} if child else {"log_id": f"parent {pair}"})
            together.wait(30)
            assert client.post("/v5/prompts/log", json=body).status_code == 200

        with ThreadPoolExecutor(20) as threads:
            list(threads.map(send, range(20)))
        for pair in range(10):
            assert len(client.get(f"/v5/logs/parent {pair}").json()["trace_children"]) == 1


def test_an_end_before_its_start_has_no_duration(api: TestClient) -> None:
    times = {"start_time": "2026-03-29T03:30:00+02:00", "end_time": "2026-03-29T00:30:00Z"}
    sent = api.post("/v5/flows/log", json={"path": "f", **times})
    assert sent.status_code == 200
    shown = api.get(f"/v5/logs/{sent.json()['id']}").json()
    assert shown["provider_latency"] is None
    assert (shown["start_time"], shown["end_time"]) == ("2026-03-29T01:30:00Z", "2026-03-29T00:30:00Z")


@pytest.mark.parametrize(
    "stamp", ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00+14:00", "2026-06-01T12:00:00"]
)
def test_clocks_of_clients_are_believed(api: TestClient, stamp: str) -> None:
    sent = api.post("/v5/flows/log", json={"path": "f", "start_time": stamp, "created_at": stamp})
    assert sent.status_code == 200, sent.text
    shown = api.get(f"/v5/logs/{sent.json()['id']}").json()
    assert shown["start_time"] == shown["created_at"]
    file_id = shown["flow"]["id"]
    assert api.get("/v5/logs", params={"file_id": file_id}).json()["total"] == 1


def test_what_comes_for_a_log_that_is_gone_or_not_there_yet_is_not_found(api: TestClient) -> None:
    early = api.patch("/v5/flows/logs/root", json={"output": "early"})
    assert early.status_code == 404
    body = _body("root")
    del body["type"]
    assert api.post("/v5/flows/log", json=body).status_code == 200
    assert api.delete("/v5/logs", params={"id": "root"}).status_code == 204
    assert api.patch("/v5/flows/logs/root", json={"output": "late"}).status_code == 404
    judged = api.post("/v5/evaluators/log", json={"parent_id": "root", "path": "e", "judgment": True})
    assert judged.status_code in (404, 422)
    child = api.post("/v5/tools/log", json=_body("look up") | {"type": None})
    assert child.status_code == 200, "under a log that is gone, as under one that comes later"
    assert api.post("/v5/flows/log", json=body).status_code == 200, "its id is free again"
    assert [each["id"] for each in api.get("/v5/logs/root").json()["trace_children"]] == ["look up"]
