"""Signing in and out, as a browser does."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.accounts import service as accounts
from app.accounts.models import UserSession
from app.core import clock
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.workspaces.signin_pages import inside
from tests import factories
from tests.web import csrf_of, signed_in


def test_password_and_sign_out(client: TestClient, committed_team: factories.Team) -> None:
    page = f"/w/{committed_team.workspace.slug}"
    refused = client.get(page)
    assert refused.status_code == 401
    assert f'value="{page}"' in refused.text, "the form leads back to where one was going"

    signed_in(client, committed_team.admin)
    assert client.get(page).status_code == 200
    token = client.cookies[SESSION_COOKIE]
    assert client.post("/signout", data={"_csrf": csrf_of(client)}).status_code == 303
    client.cookies.set(SESSION_COOKIE, token)
    assert client.get(page).status_code == 401, "the old cookie opens nothing"


@pytest.mark.parametrize(
    ("email", "password"), [("", ""), ("nobody@example.com", factories.PASSWORD), (None, "wrong")]
)
def test_whatever_is_wrong_the_answer_is_the_same(
    client: TestClient, committed_team: factories.Team, email: str | None, password: str
) -> None:
    data = {"email": committed_team.admin.email if email is None else email, "password": password}
    answer = client.post("/signin", data=data)
    assert answer.status_code == 401
    assert "The address or the password is not right." in answer.text
    assert SESSION_COOKIE not in client.cookies


def test_signing_in_changes_the_session(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    first = client.cookies[SESSION_COOKIE]
    signed_in(client, committed_team.admin)
    assert client.cookies[SESSION_COOKIE] != first
    client.cookies.clear()
    client.cookies.set(SESSION_COOKIE, first)
    assert client.get(f"/w/{committed_team.workspace.slug}").status_code == 401


def test_who_never_signs_in_again_is_out_after_ninety_days(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}"

    def age(days: int, left: int) -> int:
        with unit_of_work() as session:
            for row in session.scalars(select(UserSession)):
                row.created_at = clock.now() - timedelta(days=days)
                row.expires_at = clock.now() + timedelta(days=left)
        assert client.get(page).status_code == 200
        with unit_of_work() as session:
            (row,) = session.scalars(select(UserSession))
            return round((row.expires_at - clock.now()) / timedelta(days=1))

    assert age(10, left=1) == 30, "using it keeps it alive"
    assert age(80, left=1) == 10, "but not for ever"
    assert age(89, left=1) == 1


def test_a_link_works_once_and_looking_does_not_use_it(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        token = accounts.create_sign_in_link(session, committed_team.admin.email.upper())
    for _ in range(2):
        assert client.get(f"/signin/link/{token}").status_code == 200
    assert client.post(f"/signin/link/{token}").status_code == 303
    assert client.post(f"/signin/link/{token}").status_code == 401
    assert client.get(f"/signin/link/{token}").status_code == 404


def test_the_cookie_is_out_of_reach_of_scripts(client: TestClient, committed_team: factories.Team) -> None:
    data = {"email": committed_team.admin.email, "password": factories.PASSWORD}
    cookie = client.post("/signin", data=data).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "javascript:x", "/a\nb"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(target: str) -> None:
    assert inside(target) == "/"
