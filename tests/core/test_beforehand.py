"""What is loaded after the first answer, and not before it."""

import threading

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.core.beforehand import Beforehand

_SOON_S = 10


def test_it_is_loaded_once_after_the_first_answer_that_is_no_probe() -> None:
    loaded, times = threading.Event(), []

    def load() -> None:
        times.append(threading.current_thread().name)
        loaded.set()

    def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse("loaded" if loaded.is_set() else "not yet")

    routes = [Route(path, page) for path in ("/health/live", "/signin")]
    with TestClient(Beforehand(Starlette(routes=routes), load)) as client:
        assert client.get("/health/live").text == "not yet"
        assert client.get("/signin").text == "not yet"
        assert loaded.wait(_SOON_S)
        assert client.get("/signin").text == "loaded"
    assert times == ["beforehand"]
