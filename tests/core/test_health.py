"""Probes: what cannot be used is named, and who asks often makes no work."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from redis import Redis

from app.core.health import KEPT_S
from tests.web_process import running_web

ASKED, AT_ONCE = 400, 16


def _states(url: str) -> dict[str, str]:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=10) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return json.loads(error.read())


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each time that somebody looked whether the practice provider lives."""
    asked: list[str] = []

    class Practice(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Practice) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/practice/v1"
        monkeypatch.setenv("WHETSTONE_PRACTICE_URL", address)
        yield asked
        server.shutdown()


def test_who_asks_often_makes_it_look_once_a_second(database_url: str, looks: list[str]) -> None:
    with running_web() as web, ThreadPoolExecutor(AT_ONCE) as pool:
        said = list(pool.map(lambda _: _states(web.url), range(ASKED)))
        first = len(looks)
        threading.Event().wait(KEPT_S)
        _states(web.url)

    assert {each["practice"] for each in said} == {"ok"}
    assert first < ASKED / 20, "far fewer looks than questions"
    assert len(looks) == first + 1, "after a second it looks again"


def test_a_broker_that_takes_no_writes_is_named(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose memory is full; here somebody who may only read, who harms no other test."""
    name, password = "only-reads", "only-for-tests"
    where = urlsplit(redis_url)
    with Redis.from_url(redis_url) as admin:
        admin.acl_setuser(
            name, enabled=True, passwords=[f"+{password}"], categories=["+@read", "+@connection"], keys=["*"]
        )
        address = f"redis://{name}:{password}@{where.hostname}:{where.port}{where.path}"
        monkeypatch.setenv("WHETSTONE_REDIS_URL", address)
        try:
            with running_web() as web:
                assert _states(web.url)["broker"] == "takes no writes: NoPermissionError"
        finally:
            admin.acl_deluser(name)
