"""Passwords: changed by their owner, reset by a link, and sessions that end with them."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts import service as accounts
from app.accounts.models import OneTimeToken, User, UserSession
from app.core import clock
from app.core.access import Role
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.core.errors import Invalid, Unauthenticated
from app.core.security import token_hash
from tests import factories
from tests.web import csrf_of, signed_in

NEW = "an even longer password"


def _page(team: factories.Team) -> str:
    return f"/w/{team.workspace.slug}"


def _other_browser(app: FastAPI, team: factories.Team) -> TestClient:
    return signed_in(TestClient(app, base_url="http://whetstone.test", follow_redirects=False), team.admin)


def _reset_token(team: factories.Team) -> str:
    with unit_of_work() as session:
        return passwords.create_reset_link(session, team.admin.email)


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(
    app: FastAPI, client: TestClient, committed_team: factories.Team
) -> None:
    elsewhere = _other_browser(app, committed_team)
    signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "current": "not the password", "password": NEW}
    account = f"{_page(committed_team)}/settings/account"
    assert "not your current password" in client.post(account, data=form).text
    assert elsewhere.get(_page(committed_team)).status_code == 200
    short = client.post(account, data=form | {"current": factories.PASSWORD, "password": "short"})
    assert short.status_code == 422

    assert "holds from now on" in client.post(account, data=form | {"current": factories.PASSWORD}).text
    assert client.get(_page(committed_team)).status_code == 200, "this browser stays"
    assert elsewhere.get(_page(committed_team)).status_code == 401
    client.cookies.clear()
    old = {"email": committed_team.admin.email, "password": factories.PASSWORD}
    assert client.post("/signin", data=old).status_code == 401
    assert client.post("/signin", data=old | {"password": NEW}).status_code == 303


def test_signing_out_everywhere_ends_every_session(
    app: FastAPI, client: TestClient, committed_team: factories.Team
) -> None:
    elsewhere = _other_browser(app, committed_team)
    signed_in(client, committed_team.admin)
    url = f"{_page(committed_team)}/settings/account/sign-out-everywhere"
    assert client.post(url, data={"_csrf": csrf_of(client)}).headers["location"] == "/signin"
    for browser in (client, elsewhere):
        assert browser.get(_page(committed_team)).status_code == 401


def test_a_reset_link_sets_a_password_once_and_ends_sessions_and_links(
    app: FastAPI, client: TestClient, committed_team: factories.Team
) -> None:
    elsewhere = _other_browser(app, committed_team)
    with unit_of_work() as session:
        sign_in_link = accounts.create_sign_in_link(session, committed_team.admin.email)
    other, token = _reset_token(committed_team), _reset_token(committed_team)
    url = f"/reset/{token}"
    assert client.get(url).status_code == 200
    assert client.post(url, data={"password": "short"}).status_code == 422
    assert client.post(url, data={"password": NEW}).status_code == 303
    assert client.get(_page(committed_team)).status_code == 200
    assert elsewhere.get(_page(committed_team)).status_code == 401
    for dead in (url, f"/reset/{other}", f"/signin/link/{sign_in_link}"):
        assert client.get(dead).status_code == 404
    assert client.post(url, data={"password": NEW}).status_code == 404


def test_a_reset_link_runs_out_and_is_no_sign_in_link(
    client: TestClient, committed_team: factories.Team
) -> None:
    token = _reset_token(committed_team)
    assert client.post(f"/signin/link/{token}").status_code == 401
    with unit_of_work() as session:
        link = accounts.create_sign_in_link(session, committed_team.admin.email)
        session.get_one(OneTimeToken, token_hash(token)).expires_at = clock.now() - timedelta(seconds=1)
    for dead in (token, link):
        assert client.post(f"/reset/{dead}", data={"password": NEW}).status_code == 404
    assert SESSION_COOKIE not in client.cookies


def test_an_admin_makes_a_reset_link_for_a_member(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.MEMBER, "Sam Sample")
    signed_in(client, committed_team.admin)
    url = f"{_page(committed_team)}/settings/members/{person.user_id}"
    assert "Make reset link" in client.get(url).text
    page = client.post(f"{url}/reset", data={"_csrf": csrf_of(client)}).text
    token = page.split("/reset/")[1].split('"')[0]
    client.cookies.clear()
    assert client.post(f"/reset/{token}", data={"password": NEW}).status_code == 303
    data = {"email": person.email, "password": NEW}
    assert client.post("/signin", data=data).status_code == 303


@pytest.mark.parametrize("change", ["password", "account"])
def test_what_changes_while_a_password_is_looked_at_opens_nothing(
    committed_team: factories.Team, change: str
) -> None:
    """The first transaction of signing in has read the old hash; the change commits before the second begins."""
    email = committed_team.admin.email

    def meanwhile(_: Session) -> None:
        with unit_of_work() as other:
            changed = accounts.repository.find_user_by_email(other, email)
            assert changed
            if change == "password":
                accounts.set_password(changed, NEW)
            else:
                changed.disabled_at = clock.now()

    with unit_of_work() as session:
        event.listen(session, "after_commit", meanwhile, once=True)
        with pytest.raises(Unauthenticated):
            accounts.sign_in(session, email, factories.PASSWORD)
    with unit_of_work() as session:
        assert session.query(UserSession).count() == 0


@pytest.mark.parametrize(
    "password",
    [
        "123456789012",
        "            ",
        "aaaaaaaaaaaa",
        "qwertyuiopas",
        "zyxwvutsrqpo",
        "lena@example.com",
        "lena.lena.lena!2026",
    ],
)
def test_what_is_tried_first_is_no_password(password: str) -> None:
    user = User(id="usr_x", email="lena@example.com", full_name="Lena")
    with pytest.raises(Invalid):
        accounts.set_password(user, password)
    assert user.password_hash is None
    accounts.set_password(user, "lena has a sentence of her own")
    assert user.password_hash
