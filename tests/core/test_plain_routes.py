"""A plain request is answered as by the framework, only sooner; every other one goes the framework's way."""

import errno
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import Field

from app.core import http
from app.core.bodies import Body as OurBody
from app.core.errors import NotFound
from app.core.permissions import include
from app.core.plain_routes import Doors, PlainRoute
from tests import factories
from tests.web import with_key

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
usual_ways: list[str] = []


class Log(OurBody):
    output: str | None = Field(None, max_length=5)
    count: int = 0
    inner: dict[str, Any] | None = None


def _count(request: Request) -> None:
    """The framework sees to it; a plain request does not come by."""
    usual_ways.append(request.url.path)


def _client(kind: type[APIRoute]) -> TestClient:
    router = APIRouter(prefix="/v5", route_class=kind, dependencies=[Depends(_count)])

    @router.get("/files/{name}")
    async def get(
        request: Request,
        name: str,
        version: str | None = None,
        raw: bool = False,
    ) -> dict[str, Any]:
        return {"name": name, "version": version, "raw": raw, "key": request.headers.get("x-key")}

    @router.post("/logs")
    async def log(
        body: Annotated[Log, Body(default_factory=Log)], version: str | None = None
    ) -> dict[str, Any]:
        return body.model_dump() | {"version": version, "at": AT}

    @router.get("/broken/{how}")
    async def broken(how: str) -> dict[str, Any]:
        raise {"gone": NotFound("It is not there."), "full": OSError(errno.ENOSPC, "full")}.get(
            how, KeyError(how)
        )

    @router.post("/raw")
    async def raw(request: Request) -> Response:
        return Response(await request.body(), 201, {"x-said": "raw"}, "text/plain")

    app = FastAPI()
    http.install(app, knows=lambda _: True)
    include(app, router)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    usual_ways.clear()


JSON = {"content-type": "application/json"}
PLAIN: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/v5/files/a", {"headers": {"x-key": "k"}}),
    ("GET", "/v5/files/a%20b%C3%A9?version=v%2B1", {}),
    ("GET", "/v5/files/a?version=", {}),
    ("POST", "/v5/logs", {"json": {}}),
    (
        "POST",
        "/v5/logs?version=2",
        {"json": {"output": "ü", "count": 3, "inner": {"a": [1, None, 2.5]}, "more": 1}},
    ),
    ("POST", "/v5/logs", {"json": {"output": None, "count": "7"}}),
    ("POST", "/v5/raw", {"content": b"\x00\xff"}),
]
BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    *(("GET", f"/v5/broken/{how}", {}) for how in ("gone", "full", "apart")),
    ("PUT", "/v5/files/a", {}),
    ("GET", "/v5/files/a/b", {}),
    ("GET", "/v5/files/a/", {}),
]
OTHERS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/v5/files/a?version=1&version=2", {}),
    ("GET", "/v5/files/a?raw=true", {}),
    ("GET", "/v5/files/a?raw=perhaps", {}),
    ("GET", "/v5/files/a?unknown=1&version=3", {}),
    ("POST", "/v5/logs", {}),
    ("POST", "/v5/logs", {"json": {"output": "too long"}}),
    ("POST", "/v5/logs", {"json": [1]}),
    ("POST", "/v5/logs", {"json": {"count": "many"}}),
    (
        "POST",
        "/v5/logs",
        {"content": b'{"count": 1}', "headers": {"content-type": "application/json; charset=utf-8"}},
    ),
    ("POST", "/v5/logs", {"content": b'{"count": 1}', "headers": {"content-type": "text/plain"}}),
    ("POST", "/v5/logs", {"content": b'{"count": 1}'}),
]


UNREADABLE = [
    ("POST", "/v5/logs", {"content": said, "headers": JSON})
    for said in (b"{", b'{"count": NaN}', b'{"a": "\\u0000"}')
]
"""Nobody counts what is no JSON, or could not be stored."""


@pytest.mark.parametrize(("method", "address", "sent"), [*PLAIN, *OTHERS, *UNREADABLE, *BROKEN])
def test_both_ways_lead_to_the_same_answer(method: str, address: str, sent: dict[str, Any]) -> None:
    sent = sent | {"headers": {"x-request-id": "the-same"} | sent.get("headers", {})}
    usual, plain = (_client(kind).request(method, address, **sent) for kind in (APIRoute, PlainRoute))
    assert sorted(plain.headers) == sorted(usual.headers)
    assert plain.status_code == usual.status_code
    assert plain.headers["content-type"] == usual.headers["content-type"]
    if usual.headers["content-type"] == "application/json":
        assert plain.json() == usual.json()
    else:
        assert plain.content == usual.content


@pytest.mark.parametrize(("method", "address", "sent"), PLAIN)
def test_a_plain_request_does_not_come_by_the_framework(
    method: str, address: str, sent: dict[str, Any]
) -> None:
    assert _client(PlainRoute).request(method, address, **sent).is_success
    assert not usual_ways


@pytest.mark.parametrize(("method", "address", "sent"), OTHERS)
def test_any_other_does(method: str, address: str, sent: dict[str, Any]) -> None:
    _client(PlainRoute).request(method, address, **sent)
    assert usual_ways == [address.partition("?")[0]]


WRONG = [
    ("POST", f"/v5/{door}", {"created_at": "yesterday", "logs": 5, "path": 7})
    for door in (
        "prompts/log",
        "agents/log",
        "tools/log",
        "flows/log",
        "logs/batch",
        "files/retrieve-by-path",
    )
]


@pytest.mark.parametrize(("method", "address", "said"), WRONG)
def test_a_stranger_is_not_told_what_is_wrong(
    client: TestClient, committed_team: factories.Team, method: str, address: str, said: dict[str, Any]
) -> None:
    assert client.request(method, address, json=said).status_code == 401
    key = with_key(client, committed_team.admin)
    assert key.request(method, address, json=said).status_code == 422


def test_a_route_with_a_status_code_of_its_own_has_no_door() -> None:
    """Its answer would be 200 through the door, and what it declares the usual way."""
    router = APIRouter(route_class=PlainRoute)

    @router.post("/made", status_code=201)
    async def make() -> dict[str, Any]:
        return {}

    with pytest.raises(TypeError, match="/made declares status 201"):
        Doors(router.routes)
