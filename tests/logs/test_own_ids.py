"""Ids that callers choose are their workspace's own: two may have the same, and neither hears of the other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.database import unit_of_work
from app.logs import own_ids
from tests import factories
from tests.web import with_key

PROMPT = {"path": "p", "prompt": {"model": "m"}, "log_status": "incomplete"}


@pytest.fixture
def both(app: FastAPI, database: Engine) -> Iterator[list[TestClient]]:
    """Two workspaces, the first of which has logs and judgments already that are called as those of the second will be."""
    with unit_of_work() as session:
        teams = [factories.team(session) for _ in range(2)]
    with TestClient(app) as theirs, TestClient(app) as ours:
        clients = [with_key(one, team.admin) for one, team in zip((theirs, ours), teams, strict=True)]
        for client in clients:
            client.post("/v5/prompts", json={"path": "p", "model": "m"}).raise_for_status()
            spec = {"evaluator_type": "external", "return_type": "boolean"}
            client.post("/v5/evaluators", json={"path": "e", "spec": spec}).raise_for_status()
        ok(theirs.post("/v5/prompts/log", json=PROMPT | {"log_id": "order-1", "output": "theirs"}))
        ok(
            theirs.post(
                "/v5/evaluators/log",
                json={"path": "e", "parent_id": "order-1", "log_id": "word-1", "judgment": False},
            )
        )
        yield clients


def ok(answer: Any) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def _one(client: TestClient, **said: Any) -> str:
    return ok(client.post("/v5/prompts/log", json=PROMPT | said))["id"]


def _batch(client: TestClient, **said: Any) -> str:
    return ok(client.post("/v5/logs/batch", json={"logs": [PROMPT | {"type": "prompt"} | said]}))["ids"][0]


@pytest.mark.parametrize("log", [_one, _batch])
def test_an_id_that_another_workspace_has_is_ours_too(
    both: list[TestClient], log: Callable[..., str]
) -> None:
    theirs, ours = both
    assert ours.get("/v5/logs/order-1").status_code == 404
    assert log(ours, log_id="order-1", output="ours") == "order-1"
    assert log(ours, log_id="order-1", output="ours") == "order-1", "sent again"
    other = ours.post("/v5/prompts/log", json=PROMPT | {"log_id": "order-1", "output": "another"})
    assert (other.status_code, "the id order-1 already" in other.text) == (409, True)

    shown = ok(ours.get("/v5/logs/order-1"))
    assert (shown["id"], shown["output"]) == ("order-1", "ours")
    url = f"/v5/prompts/{shown['prompt']['id']}/log/order-1"
    assert ok(ours.patch(url, json={"output": "more"}))["id"] == "order-1"
    said = {"path": "e", "parent_id": "order-1", "log_id": "word-1", "judgment": True}
    judged = ok(ours.post("/v5/evaluators/log", json=said))
    assert (judged["id"], judged["parent_id"]) == ("word-1", "order-1")
    assert ok(ours.get("/v5/logs/word-1"))["parent"]["output"] == "more"
    (word,) = ok(ours.get("/v5/logs/order-1"))["evaluator_logs"]
    assert (word["id"], word["parent_id"], word["judgment"]) == ("word-1", "order-1", True)
    (listed,) = ok(ours.get("/v5/logs", params={"file_id": shown["prompt"]["id"], "id": "order-1"}))[
        "records"
    ]
    assert listed["id"] == "order-1"

    (word,) = ok(theirs.get("/v5/logs/order-1"))["evaluator_logs"]
    assert word["judgment"] is False
    assert ours.delete("/v5/logs", params={"id": "order-1"}).status_code == 204
    assert ours.get("/v5/logs/order-1").status_code == 404
    assert ok(theirs.get("/v5/logs/order-1"))["output"] == "theirs"


def test_whatever_takes_the_id_of_a_log_takes_ours(both: list[TestClient]) -> None:
    _, ours = both
    _one(ours, log_id="order-1", output="ours", log_status="complete")
    commented = ok(ours.post("/v5/comments", json={"log_id": "order-1", "body": "Look."}))
    listed = ok(ours.get("/v5/comments", params={"log_id": "order-1"}))["records"]
    assert [each["id"] for each in listed] == [commented["id"]]
    file_id = ok(ours.get("/v5/logs/order-1"))["prompt"]["id"]
    said = {"file": {"id": file_id}, "evaluators": [{"path": "e"}]}
    evaluation = ok(ours.post("/v5/evaluations", json=said))["id"]
    url = f"/v5/evaluations/{evaluation}"
    run = ok(ours.post(f"{url}/runs"))["id"]
    ok(ours.post(f"{url}/runs/{run}/logs", json={"log_ids": ["order-1"]}))
    (found,) = ok(ours.get(f"{url}/logs"))["records"]
    assert (found["log"]["id"], found["log"]["output"]) == ("order-1", "ours")


def test_ours_is_found_when_theirs_is_gone(both: list[TestClient]) -> None:
    theirs, ours = both
    _one(ours, log_id="order-1", output="ours")
    assert theirs.delete("/v5/logs", params={"id": "order-1"}).status_code == 204
    assert ok(ours.get("/v5/logs/order-1"))["output"] == "ours"
    assert ours.post("/v5/prompts/log", json=PROMPT | {"log_id": "order-1", "output": "x"}).status_code == 409
    assert _one(theirs, log_id="order-1", output="anew") == "order-1"


@pytest.mark.parametrize("first", ["parent", "child"])
def test_traces_are_of_our_own_logs(both: list[TestClient], first: str) -> None:
    theirs, ours = both
    root = {"path": "f", "log_id": "tree-1", "log_status": "incomplete"}

    def write(client: TestClient) -> None:
        ok(client.post("/v5/flows/log", json=root))

    if first == "parent":
        write(theirs)
        write(ours)
    child = _one(ours, trace_parent_id="tree-1")
    if first == "child":
        write(theirs)
        write(ours)
    later = _one(ours, output="later")
    file_id = ok(ours.get(f"/v5/logs/{later}"))["prompt"]["id"]
    ok(ours.patch(f"/v5/prompts/{file_id}/log/{later}", json={"trace_parent_id": "tree-1"}))
    shown = ok(ours.get("/v5/logs/tree-1"))
    assert {each["id"] for each in shown["trace_children"]} == {child, later}
    for each in (shown, *shown["trace_children"]):
        assert each["trace_id"] == "tree-1"
    assert {each["trace_parent_id"] for each in shown["trace_children"]} == {"tree-1"}
    assert ok(theirs.get("/v5/logs/tree-1"))["trace_children"] == []


def test_a_call_is_not_told_of_theirs(both: list[TestClient]) -> None:
    _, ours = both
    prompt = {"model": "practice-1", "template": "Say x."}
    call = {"path": "q", "prompt": prompt, "log_id": "order-1"}
    answer = ours.post("/v5/prompts/call", json=call)  # nobody is there to answer, which the log says
    assert (answer.status_code, answer.json()["detail"]["log_id"]) == (503, "order-1")
    assert ok(ours.get("/v5/logs/order-1"))["prompt"]["path"] == "q"
    assert ours.post("/v5/prompts/call", json=call).status_code == 409


def test_an_id_that_only_looks_marked_is_shown_as_it_is(both: list[TestClient]) -> None:
    _, ours = both
    said = "order-1~0123456789ab"
    assert _one(ours, log_id=said) == said
    assert ok(ours.get(f"/v5/logs/{said}"))["id"] == said
    with unit_of_work() as session:
        stored = session.scalar(text("select id from log where id = :id"), {"id": said})
    assert stored == said
    assert own_ids.said_id("ws", own_ids.marked("ws", said)) == said
