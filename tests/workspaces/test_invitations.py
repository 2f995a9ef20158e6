"""Invitations: a link that works once, for one address, until it runs out or is taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts.passwords import create_reset_link, find_reset
from app.accounts.repository import find_user_by_email
from app.core import clock
from app.core.access import Role
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.core.errors import Conflict, Forbidden
from app.core.security import signature
from app.workspaces import erasing, invitations, members
from app.workspaces import service as workspaces
from app.workspaces.models import Invitation
from app.workspaces.repository import find_membership
from tests import factories
from tests.web import csrf_of, signed_in, with_key

EMAIL = "lena@example.com"
FORM = {"full_name": "Lena Lind", "password": "a password of her own", "_csrf": ""}


def _invite(team: factories.Team, email: str = EMAIL, role: Role = Role.DEVELOPER) -> str:
    with unit_of_work() as session:
        return invitations.invite(session, team.admin, email, role)[1]


def _form() -> dict[str, str]:
    return FORM | {"_csrf": signature("csrf", "")}


def test_the_invited_set_name_and_password_and_are_in(
    client: TestClient, committed_team: factories.Team
) -> None:
    made = with_key(client, committed_team.admin).post(
        "/v5/members", json={"email": EMAIL.upper(), "role": "developer"}
    )
    assert made.status_code == 201
    link = made.json()["link"].removeprefix("http://127.0.0.1:8000")
    listed = client.get("/v5/members").json()
    assert [each["email"] for each in listed if each["status"] == "invited"] == [EMAIL]

    for _ in range(2):
        assert "Join" in client.get(link).text, "looking does not use it up"
    joined = client.post(link, data=_form())
    assert joined.headers["location"] == f"/w/{committed_team.workspace.slug}"
    assert client.get(joined.headers["location"]).status_code == 200
    assert client.post(link, data=FORM | {"_csrf": csrf_of(client)}).status_code == 404, "it works once"

    client.cookies.clear()
    answer = client.post("/signin", data={"email": EMAIL, "password": FORM["password"]})
    assert answer.status_code == 303
    with unit_of_work() as session:
        user = find_user_by_email(session, EMAIL)
        assert user
        membership = find_membership(session, committed_team.workspace.id, user.id)
        assert membership
        assert membership.role == "developer"
        assert user.full_name == "Lena Lind"


def test_the_link_itself_is_not_stored(committed_team: factories.Team) -> None:
    token = _invite(committed_team)
    with unit_of_work() as session:
        for row in session.execute(
            text("select i::text from invitation i union all select a::text from audit_entry a")
        ):
            assert token not in row[0]


@pytest.mark.parametrize("how", ["revoked", "expired", "replaced", "unknown"])
def test_a_dead_link_opens_nothing(client: TestClient, committed_team: factories.Team, how: str) -> None:
    token = _invite(committed_team)
    with unit_of_work() as session:
        (open_one,) = invitations.list_open(session, committed_team.admin)
        if how == "revoked":
            invitations.revoke(session, committed_team.admin, open_one.id)
        elif how == "expired":
            session.get_one(Invitation, open_one.id).expires_at = clock.now() - timedelta(seconds=1)
        elif how == "replaced":
            invitations.renew(session, committed_team.admin, open_one.id)
    link = f"/join/{'x' * 43 if how == 'unknown' else token}"
    assert client.get(link).status_code == 404
    assert client.post(link, data=_form()).status_code == 404
    assert SESSION_COOKIE not in client.cookies
    with unit_of_work() as session:
        assert find_user_by_email(session, EMAIL) is None


def test_a_short_password_keeps_the_link_alive(client: TestClient, committed_team: factories.Team) -> None:
    link = f"/join/{_invite(committed_team)}"
    refused = client.post(link, data=_form() | {"password": "short"})
    assert refused.status_code == 422
    assert "at least 12 characters" in refused.text
    assert 'value="Lena Lind"' in refused.text
    assert client.post(link, data=_form()).status_code == 303


def test_whoever_has_an_account_joins_as_themselves_only(
    client: TestClient, committed_team: factories.Team
) -> None:
    """The link must not set the password of an account that is there."""
    with unit_of_work() as session:
        other, stranger = factories.team(session), factories.team(session)
    link = f"/join/{_invite(committed_team, other.admin.email, Role.VIEWER)}"
    assert "This address has an account" in client.get(link).text
    assert client.post(link, data=_form()).status_code == 401
    assert (
        client.post("/signin", data={"email": other.admin.email, "password": FORM["password"]}).status_code
        == 401
    )

    signed_in(client, stranger.admin)
    assert client.post(link, data={"_csrf": csrf_of(client)}).status_code == 403
    signed_in(client, other.admin)
    assert client.post(link, data={"_csrf": csrf_of(client)}).status_code == 303
    assert client.get(f"/w/{committed_team.workspace.slug}").status_code == 200


def test_joining_asks_for_the_pages_token(client: TestClient, committed_team: factories.Team) -> None:
    link = f"/join/{_invite(committed_team)}"
    assert client.post(link, data=FORM | {"_csrf": "wrong"}).status_code == 403


def test_members_are_not_invited_again_and_others_not_by_others(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        with pytest.raises(Conflict, match="member already"):
            invitations.invite(session, committed_team.admin, committed_team.admin.email, Role.VIEWER)
        user = find_user_by_email(session, committed_team.admin.email)
        assert user
        token = invitations.invite(session, committed_team.admin, EMAIL, Role.VIEWER)[1]
        with pytest.raises(Forbidden):
            invitations.join_as(session, token, user)


def test_the_page_shows_a_link_once_and_lists_what_is_open(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}/settings"
    data = {"_csrf": csrf_of(client), "email": "no address", "role": "viewer"}
    assert "Enter an e-mail address" in client.post(f"{base}/members/invite", data=data).text
    shown = client.post(f"{base}/members/invite", data=data | {"email": EMAIL}).text
    assert "/join/" in shown
    page = client.get(f"{base}/members").text
    assert EMAIL in page
    assert "link, 7 days left" in page
    assert "/join/" not in page


def test_a_guest_sees_nothing_but_their_account(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "Secret plans/Prompt")
    home = client.post(f"/join/{_invite(committed_team, role=Role.GUEST)}", data=_form()).headers["location"]
    page = client.get(home)
    assert page.status_code == 200
    assert "Secret plans" not in page.text
    assert client.get("/").headers["location"] == home


def test_links_that_others_could_make_before_end_when_somebody_joins(
    committed_team: factories.Team,
) -> None:
    with unit_of_work() as session:
        elsewhere = factories.team(session)
        link = create_reset_link(session, elsewhere.admin.email)
        _, token = invitations.invite(session, committed_team.admin, elsewhere.admin.email, Role.ADMIN)
        user = find_user_by_email(session, elsewhere.admin.email)
        assert user
        assert find_reset(session, link) is not None
        invitations.join_as(session, token, user)
        assert find_reset(session, link) is None


@pytest.mark.parametrize("how", ["removed", "demoted", "disabled", "disabled elsewhere", "erased"])
def test_who_invites_nobody_any_more_leaves_no_way_in(committed_team: factories.Team, how: str) -> None:
    with unit_of_work() as session:
        other = factories.member(session, committed_team.workspace, Role.ADMIN)
        there = other
        if how == "disabled elsewhere":
            elsewhere = factories.team(session)
            for principal in (other, committed_team.admin):
                user = find_user_by_email(session, principal.email)
                assert user
                workspaces.add_member(session, elsewhere.admin, user, Role.ADMIN)
            there = replace(other, workspace_id=elsewhere.workspace.id)
        _, token = invitations.invite(session, there, EMAIL, Role.ADMIN)
        colleague = factories.member(session, committed_team.workspace, Role.ADMIN)
        link, _ = members.make_reset_link(session, other, colleague.user_id)
    with unit_of_work() as session:
        assert invitations.find_usable(session, token)
        assert find_reset(session, link)
        if how == "removed":
            members.remove_member(session, committed_team.admin, other.user_id)
        elif how == "demoted":
            members.change_role(session, committed_team.admin, other.user_id, Role.MEMBER)
        elif how == "erased":
            erasing.erase_member(session, committed_team.admin, other.user_id)
        else:
            members.set_disabled(session, committed_team.admin, other.user_id, disabled=True)
        assert invitations.find_usable(session, token) is None
        assert find_reset(session, link) is None
