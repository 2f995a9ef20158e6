"""Logs of calls: in which trace each is, which calls are refused before a model is paid, and that none that is paid is lost."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from tests.generations.calls import CALL_URL, STYLE, called, log_of
from tests.generations.model_server import ModelServer

TOOL = {"path": "geo/look-up", "tool": {"function": {"name": "look_up"}}}


def refused(client: TestClient, **body: Any) -> tuple[int, str]:
    answer = client.post(CALL_URL, json=STYLE | body)
    return answer.status_code, answer.text


def test_a_nested_log_is_in_the_trace_of_its_parent(caller: TestClient) -> None:
    root = called(caller, session_id="s-9")["id"]
    child = called(caller, trace_parent_id=root)
    assert (child["trace_id"], child["trace_parent_id"]) == (root, root)
    grandchild = log_of(caller, called(caller, trace_parent_id=child["id"])["id"])
    assert (grandchild["trace_id"], grandchild["trace_parent_id"]) == (root, child["id"])
    assert grandchild["session_id"] == "s-9"
    early = log_of(caller, called(caller, trace_parent_id="comes-later")["id"])
    assert (early["trace_id"], early["trace_parent_id"]) == ("comes-later", "comes-later")


def test_a_call_under_a_log_of_a_tool_makes_one_trace_of_both(caller: TestClient) -> None:
    parent = caller.post("/v5/tools/log", json=TOOL).json()["id"]
    children = [called(caller, trace_parent_id=parent)["id"] for _ in range(2)]
    above = log_of(caller, parent)
    assert above["trace_id"] == parent
    assert [child["id"] for child in above["trace_children"]] == children
    assert called(caller, trace_parent_id=parent, save=False)["trace_id"] == parent


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_takes_the_logs_that_wait_for_its_id(caller: TestClient, stream: bool) -> None:
    tool = TOOL | {"trace_parent_id": "mine-9"}
    child = caller.post("/v5/tools/log", json=tool).json()["id"]
    root = called(caller)["id"]
    body = STYLE | {"log_id": "mine-9", "trace_parent_id": root, "stream": stream}
    assert caller.post(CALL_URL, json=body).status_code == 200
    mine = log_of(caller, "mine-9")
    assert (mine["trace_id"], [one["id"] for one in mine["trace_children"]]) == (root, [child])
    assert log_of(caller, child)["trace_id"] == root


@pytest.mark.parametrize("stream", [False, True])
def test_no_model_is_asked_for_a_log_that_its_trace_would_not_take(
    caller: TestClient, model: ModelServer, stream: bool
) -> None:
    flow = caller.post("/v5/flows/log", json={"path": "geo/tour", "log_status": "complete"}).json()["id"]
    status, said = refused(caller, trace_parent_id=flow, stream=stream)
    assert (status, flow in said) == (409, True)
    status, said = refused(caller, trace_parent_id="own-1", log_id="own-1", stream=stream)
    assert (status, "trace_parent_id" in said) == (422, True)
    assert model.bodies == []


def test_a_call_that_began_before_its_trace_was_complete_is_logged_all_the_same(
    caller: TestClient, model: ModelServer
) -> None:
    flow = caller.post("/v5/flows/log", json={"path": "geo/tour"}).json()["id"]

    def complete() -> None:
        with unit_of_work() as session:
            session.execute(text("update log set status = 'complete' where id = :id"), {"id": flow})

    model.meanwhile = complete
    child = called(caller, trace_parent_id=flow)
    assert child["trace_id"] == flow
    assert [one["id"] for one in log_of(caller, flow)["trace_children"]] == [child["id"]]


def test_every_paid_call_has_a_log_though_several_want_one_id(caller: TestClient, model: ModelServer) -> None:
    with ThreadPoolExecutor(4) as pool:
        bodies = [STYLE | {"log_id": "mine-4"}] * 4
        answers = list(pool.map(lambda body: caller.post(CALL_URL, json=body), bodies))
    done = [answer.json() for answer in answers if answer.status_code == 200]
    page = caller.get("/v5/logs", params={"file_id": done[0]["prompt"]["id"]}).json()

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {log["id"] for log in page["records"]} == {answer["id"] for answer in done}
    assert len(page["records"]) == len(done) == len(model.asked)
