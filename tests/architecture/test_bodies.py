"""What a body may not say: fields that are the server's to set, and ids of other workspaces."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.permissions import routes_of
from app.main import create_app
from app.tables import ALL_TABLES
from tests import factories
from tests.architecture.requests import Call
from tests.architecture.test_access import EVERY, ROUTES, _send
from tests.architecture.world import World, build_world

_ID = re.compile(r"^[a-z]+_[0-9A-Za-z]{21,22}$")
_LONG_AGO = datetime(2002, 1, 1, tzinfo=UTC)
_WITH_BODIES = {
    f"{method} {route.path}"
    for route, _ in routes_of(create_app())
    if isinstance(route, APIRoute) and route.dependant.body_params
    for method in route.methods
}
CHANGES = sorted(
    route for route, action in ROUTES.items() if not route.startswith("GET ") and action != "public"
)


def _worlds() -> tuple[World, World]:
    with unit_of_work() as session:
        return build_world(session, Role.ADMIN), build_world(session, Role.ADMIN)


def _of_workspace(workspace_id: str) -> dict[str, int]:
    with unit_of_work() as session:
        return {
            table.name: session.scalar(
                select(func.count()).select_from(table).where(table.c.workspace_id == workspace_id)
            )
            or 0
            for table in ALL_TABLES
            if "workspace_id" in table.c
        }


def _roles(workspace_id: str) -> dict[str, str]:
    (membership,) = [table for table in ALL_TABLES if table.name == "membership"]
    with unit_of_work() as session:
        query = select(membership.c.user_id, membership.c.role)
        return dict(session.execute(query.where(membership.c.workspace_id == workspace_id)).all())


def _dated_before_2002() -> list[str]:
    with unit_of_work() as session:
        return [
            f"{table.name}.{name}"
            for table in ALL_TABLES
            for name in ("created_at", "at", "updated_at")
            if name in table.c
            and session.scalar(select(func.count()).select_from(table).where(table.c[name] < _LONG_AGO))
        ]


NAMING_A_FILE = {f"/v5/{kind}s" for kind in ("prompt", "tool", "dataset", "evaluator", "flow", "evaluation")}
LOGGING = {route for route, action in ROUTES.items() if action == "log"}
"""When what is logged took place, those say who log it."""


@pytest.mark.parametrize("route", [r for r in CHANGES if r in _WITH_BODIES and "/members/" not in r])
def test_a_body_cannot_set_what_the_server_sets(app: FastAPI, database: Engine, route: str) -> None:
    """No role, no workspace and no author comes from a body, and no date but that of what is logged."""
    with unit_of_work() as session:
        ours, other = build_world(session, Role.ADMIN), factories.team(session)
    call = EVERY[route](ours)
    body: dict[str, Any] = dict(call.json or call.form or {}) if not isinstance(call.json, list) else {}
    forged = {
        "id": "usr_forged", "workspace_id": other.workspace.id, "user_id": other.admin.user_id,
        "created_at": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z", "at": "2001-01-01T00:00:00Z",
        "created_by": other.admin.user_id, "is_admin": "true", "role": "admin", "cost": "-1",
        "disabled_at": None, "password_hash": "x", "secret_hash": "x", "logs_count": 10**6,
    }  # fmt: skip
    extra = {name: value for name, value in forged.items() if name not in body}
    if "/v5/" not in route:
        extra = {name: str(value) for name, value in extra.items()}
    elif route.split(" ")[1] in NAMING_A_FILE:
        extra.pop("id", None)  # there it names a file
    before, roles = _of_workspace(other.workspace.id), _roles(ours.team.workspace.id)
    sent = Call(
        call.path,
        json=body | extra if call.json is not None or ("/v5/" in route and not call.content) else None,
        form=body | extra if call.form is not None else None,
        query=call.query,
        content=call.content,
        upload=call.upload,
    )
    status, text = _send(app, route, sent, ours.team.admin)
    assert status < 500, text[:500]
    assert _of_workspace(other.workspace.id) == before
    after = _roles(ours.team.workspace.id)
    assert {user: after[user] for user in roles if user in after} == {
        u: r for u, r in roles.items() if u in after
    }
    dated = ["judgment.created_at"] if route == "POST /v5/evaluators/log" else []
    assert _dated_before_2002() in ([], ["log.created_at"] if route in LOGGING else dated)


def _ids_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for each in value.values() for found in _ids_of(each)]
    if isinstance(value, list):
        return [found for each in value for found in _ids_of(each)]
    return [value] if isinstance(value, str) and _ID.match(value) else []


WITH_IDS = [
    "POST /v5/evaluations", "POST /v5/evaluations/{evaluation_id}/evaluators",
    "POST /v5/evaluations/{evaluation_id}/runs", "POST /v5/review-queues", "POST /v5/review-queues/{queue_id}/targets", "POST /w/{w}/review", "POST /w/{w}/review/from-logs", "POST /v5/prompts", "POST /v5/datasets", "POST /v5/evaluators",
    "POST /v5/tools", "POST /v5/flows", "POST /v5/prompts/log", "POST /v5/tools/log", "POST /v5/flows/log",
    "POST /v5/logs/batch", "POST /v5/agents/log", "POST /v5/tools/call",
    "POST /v5/evaluations/{evaluation_id}/gate", "GET /v5/evaluations/{evaluation_id}/comparison", "GET /v5/logs", "POST /v5/prompts/call", "POST /v5/agents", "POST /v5/files/{file_id}/copy",
    "POST /v5/prompts/{file_id}/environments/{environment_id}", "POST /w/{w}/prompts/{file_id}/deploy",
    "POST /w/{w}/settings/environments/{environment_id}",
]  # fmt: skip


@pytest.mark.parametrize("route", WITH_IDS)
def test_ids_of_another_workspace_in_bodies_and_filters_are_nobodys(
    app: FastAPI, database: Engine, route: str
) -> None:
    ours, other = _worlds()
    mine, theirs = EVERY[route](ours), EVERY[route](other)
    assert _ids_of([theirs.json, theirs.form, theirs.query]), "the request names something"
    before = _of_workspace(other.team.workspace.id)
    mixed = Call(mine.path, theirs.json, theirs.form, theirs.query, theirs.content, theirs.upload)
    status, text = _send(app, route, mixed, ours.team.admin)
    empty = status == 200 and '"records":[]' in text.replace(" ", "")
    assert empty or 400 <= status < 500, f"{status} {text[:500]}"
    for found in _ids_of([theirs.json, theirs.form, theirs.query]):
        assert text.count(found) <= 1, "it may be named as not found, never shown"
    assert _of_workspace(other.team.workspace.id) == before


def test_a_cursor_of_another_workspace_shows_nothing(app: FastAPI, database: Engine) -> None:
    from app.workspaces.audit_repository import AuditFilter, list_entries

    ours, other = _worlds()
    with unit_of_work() as session:
        theirs = list_entries(session, other.team.workspace.id, AuditFilter(), limit=1)[0].id
    call = Call(query={"before": theirs})
    status, text = _send(app, "GET /v5/audit", call, ours.team.admin)
    assert status == 200
    assert '"records":[]' in text


FORMS_BEFORE_A_SESSION = sorted(
    route
    for route, action in ROUTES.items()
    if action == "public" and not route.startswith(("GET ", "HEAD "))
)


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}]
)
@pytest.mark.parametrize("route", FORMS_BEFORE_A_SESSION)
def test_no_form_before_a_session_is_sent_from_another_site(
    app: FastAPI, database: Engine, route: str, headers: dict[str, str]
) -> None:
    """Another site could sign a browser in as somebody else, and read what is done with it."""
    method, path = route.split(" ")
    with TestClient(app, base_url="http://whetstone.test") as client:
        answer = client.request(method, path.format(token="x"), headers=headers, data={})
    assert answer.status_code == 403
    assert "another site" in answer.text


def test_there_are_forms_before_a_session() -> None:
    assert {"POST /signin", "POST /signin/link/{token}", "POST /reset/{token}", "POST /setup"} <= set(
        FORMS_BEFORE_A_SESSION
    )


def test_no_page_lets_another_site_in(app: FastAPI, database: Engine) -> None:
    """Every change by page: without the page's token, and from another site with it. And no answer shares with others."""
    world = _worlds()[0]
    pages = [route for route in CHANGES if "/v5/" not in route]
    assert len(pages) > 25
    foreign = {"origin": "https://elsewhere.example"}
    from app.accounts import service as accounts
    from app.core.csrf import SESSION_COOKIE
    from app.core.security import signature

    with unit_of_work() as session:
        user = accounts.repository.find_user_by_email(session, world.team.admin.email)
        assert user
        token = accounts.start_session(session, user)
    with TestClient(app, base_url="http://whetstone.test", cookies={SESSION_COOKIE: token}) as client:
        for route in pages:
            method, path = route.split(" ")
            url = path.replace(":path}", "}").format(**EVERY[route](world).path)
            form = dict(EVERY[route](world).form or {})
            for headers in (
                {},
                {"content-type": "text/plain"},
                foreign | {"x-csrf-token": signature("csrf", token)},
            ):
                answer = client.request(method, url, headers=headers, data=form)
                assert answer.status_code == 403, f"{route} {headers}"
                assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-origin" not in client.get("/v5/files", headers=foreign).headers
