"""Logs of real processes: one request id from the page's line to the worker's, and each error once."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.endpoint import running_endpoint
from tests.stack import Stack

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("request_ids")]


class Server:
    """A running server, and the lines of its logs."""

    def __init__(self, running: Application, key: str) -> None:
        self.running, self.key = running, key
        self._address = urlsplit(running.url)

    def ask(
        self, method: str, path: str, body: Any = None, request_id: str | None = None
    ) -> tuple[int, str, bytes]:
        """Status, request id and body of an answer."""
        connection = http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=30)
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        headers |= {"x-request-id": request_id} if request_id else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers["x-request-id"], answer.read()
        finally:
            connection.close()

    def lines(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        """The lines of all logs that hold `text`: each with the process that wrote it."""
        return [
            (path.stem, json.loads(line.partition(" | ")[2]))
            for path in sorted((self.running.root / "logs").glob("*.log"))
            for line in path.read_text().splitlines()
            if text in line
        ]

    def wait_for_line(self, text: str, event: str) -> None:
        deadline = time.monotonic() + 60
        while not any(line["event"].startswith(event) for _, line in self.lines(text)):
            assert time.monotonic() < deadline, self.lines(text)
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home: Path = tmp_path_factory.mktemp("request_ids")
    with start_application(
        home,
        stack.create_database(),
        stack.redis_database(),
        environment={"WHETSTONE_LOG_JSON": "1"},
    ) as running:
        running.wait_until_ready()
        running.run("init", "--workspace", "Traced", "--email", "traced@example.com").check_returncode()
        key = running.run("key", "create", "--workspace", "traced", "--name", "t", "--role", "admin").stdout
        yield Server(running, key.strip())


def test_one_request_id_finds_the_request_and_its_workers(server: Server) -> None:
    with running_endpoint(5) as endpoint:
        client = Client(server.running.url, server.key)
        evaluation_id, body = prepare(client, endpoint, Case("traced", rows=60, concurrency=10))
        for request_id in (
            "first-run.1",
            "second_run.2",
        ):  # a worker's second task must not carry the first's ids
            status, answered, _ = server.ask(
                "POST", f"/v5/evaluations/{evaluation_id}/runs", body, request_id=request_id
            )
            assert (status, answered) == (200, request_id)
            server.wait_for_line(request_id, "run scored")
    tasks: list[set[str]] = []
    for request_id in ("first-run.1", "second_run.2"):
        found = server.lines(request_id)
        by = {name: [line for process, line in found if process == name] for name in ("web-1", "worker")}
        assert [line["event"] for line in by["web-1"]] == ["request"]
        assert by["web-1"][0]["path"] == "/v5/evaluations/{evaluation_id}/runs"
        assert by["web-1"][0]["status"] == 200
        assert {"run taken", "run left"} <= {line["event"] for line in by["worker"]}
        assert len({line["run"] for line in by["worker"]}) == 1
        assert all(line["task_id"] for line in by["worker"])
        tasks.append({line["task_id"] for line in by["worker"] if line["event"] == "run taken"})
        assert {line["request_id"] for _, line in found} == {request_id}
    assert not tasks[0] & tasks[1]


@pytest.mark.parametrize(
    "hostile",
    [
        b"a b",
        b"x" * 65,
        b'"}{"event":"forged',
        b"caf\xc3\xa9",
        b"a\tb",
        b"<script>",
        b"%0d%0aforged",
    ],
)
def test_an_id_that_could_forge_a_line_is_replaced(server: Server, hostile: bytes) -> None:
    address = urlsplit(server.running.url)
    with socket.create_connection((address.hostname, address.port or 80), timeout=20) as connection:
        connection.sendall(
            b"GET /v5/evaluators HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: "
            + hostile
            + b"\r\n\r\n"
        )
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head = answer.split(b"\r\n\r\n")[0].lower()
    (given,) = [line.partition(b": ")[2] for line in head.split(b"\r\n") if line.startswith(b"x-request-id")]
    assert len(given) == 16
    assert given.isalnum()
    server.wait_for_line(given.decode(), "request")
    assert all(line["request_id"] == given.decode() for _, line in server.lines(given.decode()))


def test_an_unexpected_error_is_logged_once(server: Server) -> None:
    """A table is away for a moment: nothing that the code expects."""
    with psycopg.connect(server.running.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("alter table provider rename to provider_away")
        try:
            status, _, body = server.ask("GET", "/v5/providers", request_id="broken.1")
        finally:
            connection.execute("alter table provider_away rename to provider")
    assert status == 500
    assert b"broken.1 is in the log" in body
    server.wait_for_line("broken.1", "request")
    found = server.lines("broken.1")
    assert [(process, line["event"]) for process, line in found] == [
        ("web-1", "unexpected error"),
        ("web-1", "request"),
    ]
    assert "UndefinedTable" in found[0][1]["exception"]
    assert [line for _, line in server.lines("UndefinedTable") if line.get("request_id") == "broken.1"] == [
        found[0][1]
    ]
    assert server.lines("Exception in ASGI") == []


def test_an_error_of_a_task_names_request_and_task(server: Server) -> None:
    with (
        running_endpoint(5) as endpoint,
        psycopg.connect(server.running.database_url.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        client = Client(server.running.url, server.key)
        evaluation_id, body = prepare(client, endpoint, Case("failing", rows=20, concurrency=10))
        connection.execute("alter table version_score rename to version_score_away")
        try:
            server.ask("POST", f"/v5/evaluations/{evaluation_id}/runs", body, request_id="broken.2")
            server.wait_for_line("broken.2", "Task evaluations.score_run")
        finally:
            connection.execute("alter table version_score_away rename to version_score")
    failed = [
        line for _, line in server.lines("broken.2") if line["event"].startswith("Task evaluations.score")
    ]
    assert len(failed) == 1
    assert failed[0]["task_id"] in failed[0]["event"]
    assert "UndefinedTable" in failed[0]["exception"]
