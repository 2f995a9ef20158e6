"""Calling a prompt with `stream`: events as they come, and a log whatever happens to the one who listens."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from tests.fault_provider import running_fault_provider
from tests.generations.calls import CALL_URL, STYLE, log_of
from tests.generations.model_server import CALL, ModelServer
from tests.web_process import WebProcess, running_web


def events_of(client: TestClient, **body: Any) -> list[dict[str, Any]]:
    answer = client.post(CALL_URL, json=STYLE | {"stream": True} | body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = answer.text.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


def test_each_piece_is_an_event_and_no_output_is_null(caller: TestClient, model: ModelServer) -> None:
    events = events_of(caller, log_id="streamed-1")
    # What may begin the provider's key (an “s”) comes when it is clear that it does not.
    assert [event["output"] for event in events] == ["Par", "i", "s", ""]
    for event in events:
        assert (event["index"], event["id"]) == (0, "streamed-1")
        assert event["prompt_id"].startswith("pr_")
        assert event["version_id"].startswith("prv_")
    last = events[-1]
    assert (last["finish_reason"], last["prompt_tokens"], last["output_cost"]) == ("stop", 11, 1)
    assert last["output_message"]["content"] == "Paris"
    assert model.bodies[0]["stream"] is True
    log = log_of(caller, "streamed-1")
    assert (log["output"], log["inputs"], log["error"]) == ("Paris", {"style": "prose"}, None)


def test_several_samples_come_side_by_side(caller: TestClient) -> None:
    events = events_of(caller, num_samples=3)
    for index in range(3):
        own = [event for event in events if event["index"] == index]
        assert "".join(event["output"] for event in own) == "Paris"
        assert own[-1]["finish_reason"] == "stop"
        assert log_of(caller, own[0]["id"])["output"] == "Paris"
    assert len({event["id"] for event in events}) == 3


def test_tool_calls_come_with_the_last_event(caller: TestClient, model: ModelServer) -> None:
    model.calls_tool = True
    events = events_of(caller)
    assert [event["output"] for event in events] == [""]
    assert events[0]["output_message"]["tool_calls"] == [CALL]


def test_an_answer_that_breaks_off_ends_with_its_error(caller: TestClient) -> None:
    with running_fault_provider() as provider:
        body = {"name": "failing", "base_url": provider.url, "api_key": "k"}
        assert caller.post("/v5/providers", json=body).is_success
        prompt = {"model": "m", "provider": "failing", "template": "FAULT<streams far too much>"}
        events = events_of(caller, path="geo/failing", prompt=prompt)
    assert events[0]["output"]
    assert events[-1]["output"] == ""
    assert "went on past 10 MiB" in events[-1]["error"]
    assert log_of(caller, events[-1]["id"])["error"] == events[-1]["error"]


def test_a_caller_that_goes_away_leaves_a_log_of_what_had_come(
    caller: TestClient, model: ModelServer
) -> None:
    model.go_on.clear()
    with running_web() as web:
        with _asking(web, caller, "left-1") as connection:
            received = b""
            while b'"output":"Par"' not in received:
                piece = connection.recv(65536)
                assert piece, received
                received += piece
        found = _wait_for_log("left-1")
    assert found == ("Par", "Stopped.")
    log = log_of(caller, "left-1")
    assert (log["prompt_cost"], log["output_cost"]) == (6, 0.5), "the provider asks money for it: estimated"


def test_a_caller_that_goes_away_before_the_first_word_has_cost_something_too(
    caller: TestClient, model: ModelServer
) -> None:
    asked = threading.Event()
    model.meanwhile = lambda: (asked.set(), model.go_on.wait(3))
    model.go_on.clear()
    with running_web() as web:
        with _asking(web, caller, "left-2"):
            assert asked.wait(20)
        assert _wait_for_log("left-2")[1] == "Stopped."
    assert log_of(caller, "left-2")["prompt_cost"] == 6


@contextmanager
def _asking(web: WebProcess, caller: TestClient, log_id: str) -> Iterator[socket.socket]:
    """A connection on which a call was sent; whoever leaves this goes away."""
    body = json.dumps(STYLE | {"stream": True, "log_id": log_id}).encode()
    head = (
        f"POST {CALL_URL} HTTP/1.1\r\nhost: whetstone\r\nx-api-key: {caller.headers['x-api-key']}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    address = urlsplit(web.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        yield connection


def _wait_for_log(log_id: str) -> tuple[str, str]:
    deadline = time.monotonic() + 20
    while True:
        with unit_of_work() as session:
            row = session.execute(
                text("select output, error from log where id = :id"), {"id": log_id}
            ).first()
        if row:
            return row.output, row.error
        assert time.monotonic() < deadline, "no log was written"
        time.sleep(0.1)
