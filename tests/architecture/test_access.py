"""Every route of the application, asked by everybody: allowed cells answer, all others refuse."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.accounts import service as accounts
from app.core import clock
from app.core.access import ALLOWED, Action, Principal, Role
from app.core.csrf import GUEST_COOKIE, SESSION_COOKIE
from app.core.database import unit_of_work
from app.core.permissions import permit, routes_of, undeclared_routes
from app.core.security import signature
from app.core.settings import get_settings
from app.main import create_app
from app.workspaces import members
from app.workspaces import service as workspaces
from app.workspaces.models import ApiKey
from tests import factories
from tests.architecture.call_requests import CALL_REQUESTS
from tests.architecture.evaluation_page_requests import EVALUATION_PAGE_REQUESTS
from tests.architecture.member_requests import MEMBER_REQUESTS
from tests.architecture.needs import NEEDS, needed_by
from tests.architecture.page_requests import PAGE_REQUESTS
from tests.architecture.requests import REQUESTS, Call
from tests.architecture.settings_requests import SETTINGS_REQUESTS
from tests.architecture.world import World, build_world
from tests.web import csrf_of, signed_in

EVERY = (
    REQUESTS | CALL_REQUESTS | PAGE_REQUESTS | SETTINGS_REQUESTS | MEMBER_REQUESTS | EVALUATION_PAGE_REQUESTS
)
DESCRIBED = {route.replace(":path}", "}"): call for route, call in EVERY.items()}
"""By the names that the description of the API has for routes: it knows nothing of how a part of a path is read."""
ROUTES = {
    f"{method} {route.path}": action
    for route, action in routes_of(create_app())
    if action is not None
    for method in route.methods
}


def test_every_route_has_a_request_and_no_request_is_left_over() -> None:
    assert set(ROUTES) == set(EVERY)


def test_every_route_declares_the_action_that_it_needs() -> None:
    """The rest of this file asks what a route declares: it would not notice one that declares too little."""
    assert {route: needed_by(route) for route in ROUTES} == ROUTES
    named = {line.strip() for routes in NEEDS.values() for line in routes.strip().splitlines()}
    assert named <= set(ROUTES), "no line is left over"


def test_a_route_without_a_permission_does_not_start(app: FastAPI) -> None:
    open_app = FastAPI(openapi_url=None)

    @open_app.get("/forgotten")
    def forgotten() -> None: ...

    assert undeclared_routes(open_app) == ["/forgotten"]
    assert undeclared_routes(app) == []


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_access(app: FastAPI, database: Engine, route: str) -> None:
    action = ROUTES[route]
    shared = _world(Role.ADMIN)  # reading changes nothing, nor does being refused
    _as_strangers(app, shared, route, action)
    for role in Role:
        changes = not route.startswith("GET ") and _may(role, action)
        world = _world(role) if changes else shared
        _as_role(app, world, route, role)
    _as_guest_reviewer(app, route, action, shared)


DELETING = sorted(
    route
    for route, action in ROUTES.items()
    if action is Action.DELETE or (route.startswith("DELETE ") and action is not Action.EDIT)
)
"""Taking an evaluator out of an evaluation is an edit: its judgments stay, and it can be added again."""


@pytest.mark.parametrize("route", DELETING)
def test_a_member_deletes_nothing_of_somebody_else(app: FastAPI, database: Engine, route: str) -> None:
    world = _world(Role.ADMIN)
    status, text = _send(app, route, EVERY[route](world), world.people[Role.MEMBER])
    assert status == 403, text[:300]


def _may(role: Role, action: Action) -> bool:
    return action is Action.PUBLIC or role in ALLOWED[action]


def _world(role: Role) -> World:
    with unit_of_work() as session:
        return build_world(session, role)


def _as_role(app: FastAPI, world: World, route: str, role: Role) -> None:
    status, text = _send(app, route, EVERY[route](world), world.people[role])
    if role is Role.GUEST and ROUTES[route] is Action.OWN_QUEUE:
        assert status == 404, "they came in by no link"
    elif route == "GET /metrics":
        assert status == 404, "it has a token of its own, which is not set"
    elif route.endswith("/account/erase") and role is Role.ADMIN:
        assert status == 409, "the only admin of the workspace stays"
    elif route.endswith(" /setup"):
        assert status in (401, 404), "the world has people: the server is set up"
    elif _may(role, ROUTES[route]):
        assert 200 <= status < 400 or route.endswith(" /health/ready"), f"{role}: {status} {text[:500]}"
    else:
        assert status in (401, 403, 404), f"{role}: {status} {text[:300]}"


def _as_guest_reviewer(app: FastAPI, route: str, action: Action, shared: World) -> None:
    """Who came in by a link sees their own queue, and nothing else: with the cookie sent to every page, as no browser does."""
    own = action is Action.OWN_QUEUE
    world = _world(Role.ADMIN) if own and not route.startswith("GET ") else shared
    status, text = _send(app, route, EVERY[route](world), None, guest=world.guest_session)
    if own:
        assert 200 <= status < 400, f"{status} {text[:500]}"
    elif action is not Action.PUBLIC:
        assert status in (401, 403, 404), f"{status} {text[:300]}"
        assert world.team.workspace.name not in text


def _as_strangers(app: FastAPI, world: World, route: str, action: Action) -> None:
    call = EVERY[route](world)
    if action is Action.PUBLIC:
        return
    assert _send(app, route, call, None)[0] in (401, 403, 404), "anonymous"
    with unit_of_work() as session:
        other = factories.team(session).admin
    status, text = _send(app, route, call, other)
    if call.names_things or "{w}" in route:
        assert status in (403, 404), f"another workspace: {status} {text[:300]}"
    else:
        assert world.team.workspace.id not in text
        assert world.prompt.file_id not in text
    if route.split(" ")[1].startswith("/v5/"):
        _with_dead_keys(app, world, route, call)


def _with_dead_keys(app: FastAPI, world: World, route: str, call: Call) -> None:
    with unit_of_work() as session:
        revoked, secret = workspaces.create_key(session, world.team.admin, name="revoked", role=Role.ADMIN)
        workspaces.revoke_key(session, world.team.admin, revoked.id)
        expired, old = workspaces.create_key(session, world.team.admin, name="expired", role=Role.ADMIN)
        session.get_one(ApiKey, expired.id).expires_at = clock.now() - timedelta(seconds=1)
    for dead in (secret, old, "whet_unknown", ""):
        assert _send(app, route, call, None, key=dead)[0] == 401


def _send(
    app: FastAPI, route: str, call: Call, principal: Principal | None, key: str | None = None, guest: str = ""
) -> tuple[int, str]:
    method, path = route.split(" ")
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    form = dict(call.form or {})
    if principal and path.startswith("/v5/"):
        with unit_of_work() as session:
            headers["x-api-key"] = factories.key(session, principal)
    elif principal:
        with unit_of_work() as session:
            user = accounts.repository.find_user_by_email(session, principal.email)
            assert user is not None
            cookies[SESSION_COOKIE] = accounts.start_session(session, user)
        headers["x-csrf-token"] = signature("csrf", cookies[SESSION_COOKIE])
    if guest:
        cookies[GUEST_COOKIE] = guest
        headers["x-csrf-token"] = signature("csrf", guest)
    if key is not None:
        headers["x-api-key"] = key
    with TestClient(app, base_url="http://whetstone.test", follow_redirects=False, cookies=cookies) as client:
        answer = client.request(
            method,
            path.replace(":path}", "}").format(**call.path),
            headers=headers,
            params=call.query,
            json=call.json,
            data=form if call.form is not None else None,
            content=call.content,
            files={"file": call.upload} if call.upload else None,
        )
        return answer.status_code, answer.text


def test_no_answer_and_no_page_holds_a_stored_key(app: FastAPI, database: Engine) -> None:
    world = _world(Role.ADMIN)
    for route in sorted(ROUTES):
        if route.startswith("GET"):
            text = _send(app, route, EVERY[route](world), world.team.admin)[1]
            assert "canary-key-123456" not in text, route


def test_a_browser_session_opens_no_api_route(app: FastAPI, database: Engine) -> None:
    """So that no other site can make a browser call it."""
    world = _world(Role.ADMIN)
    with unit_of_work() as session:
        user = accounts.repository.find_user_by_email(session, world.team.admin.email)
        assert user is not None
        token = accounts.start_session(session, user)
    with TestClient(app, cookies={SESSION_COOKIE: token}) as client:
        assert client.get("/v5/prompts").status_code == 401


def test_a_form_without_the_pages_token_is_refused(app: FastAPI, database: Engine) -> None:
    world = _world(Role.ADMIN)
    with unit_of_work() as session:
        user = accounts.repository.find_user_by_email(session, world.team.admin.email)
        assert user is not None
        token = accounts.start_session(session, user)
    with TestClient(app, cookies={SESSION_COOKIE: token}, follow_redirects=False) as client:
        assert client.post("/signout").status_code == 403
        assert client.post("/signout", data={"_csrf": "wrong"}).status_code == 403
        right = {"_csrf": signature("csrf", token)}
        foreign = client.post("/signout", data=right, headers={"origin": "https://elsewhere.example"})
        assert foreign.status_code == 403
        cross = client.post("/signout", data=right, headers={"sec-fetch-site": "cross-site"})
        assert cross.status_code == 403
        assert client.post("/signout", data=right).status_code == 303


def test_permissions_are_those_of_the_table() -> None:
    """The table of the design, cell by cell: who may do what."""
    table = {
        Action.OWN_QUEUE: "guest",
        Action.READ: "admin developer member reviewer viewer",
        Action.LOG: "admin developer member",
        Action.RUN: "admin developer member",
        Action.EDIT: "admin developer member",
        Action.JUDGE: "admin developer member reviewer",
        Action.DEPLOY: "admin developer",
        Action.DELETE: "admin developer member",
        Action.OWN_KEYS: "admin developer",
        Action.MANAGE: "admin",
        Action.ADMINISTER: "admin",
    }
    for action, roles in table.items():
        assert {role.value for role in ALLOWED[action]} == set(roles.split())
    assert permit(Action.READ).permits is Action.READ  # type: ignore[attr-defined]


def test_a_form_of_somebody_whose_session_is_gone_leads_to_the_sign_in(
    client: TestClient, committed_team: factories.Team
) -> None:
    base = f"/w/{committed_team.workspace.slug}"
    gone = client.post(f"{base}/settings/keys", data={"_csrf": "of a session that was", "name": "k"})
    assert gone.status_code == 401
    assert 'action="/signin"' in gone.text
    signed_in(client, committed_team.admin)
    stale = client.post(f"{base}/settings/keys", data={"_csrf": "of another session", "name": "k"})
    assert stale.status_code == 403
    assert "This form is out of date" in stale.text


def test_who_belongs_to_no_workspace_any_more_is_told_and_can_sign_out(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.MEMBER)
    signed_in(client, person)
    with unit_of_work() as session:
        members.remove_member(session, committed_team.admin, person.user_id)
    told = client.get("/")
    assert told.status_code == 404
    assert "You belong to no workspace any more" in told.text
    assert "/signout" in told.text
    assert client.post("/signout", data={"_csrf": csrf_of(client)}).headers["location"] == "/signin"


def test_behind_a_proxy_that_sends_another_host_the_public_address_is_ours(
    client: TestClient, committed_team: factories.Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHETSTONE_PUBLIC_URL", "https://whet.example")
    get_settings.cache_clear()
    form = {"email": committed_team.admin.email, "password": factories.PASSWORD}

    def status(origin: str) -> int:
        return client.post(
            "/signin", data=form, headers={"origin": origin, "host": "upstream:8000"}
        ).status_code

    try:
        assert status("https://whet.example.elsewhere.example") == 403
        assert status("https://whet.example") == 303
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
