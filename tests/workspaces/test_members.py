"""Members: roles and removal hold at once, and a workspace always keeps an admin."""

import threading
import time

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Action, Role
from app.core.database import unit_of_work
from app.core.errors import Conflict, Forbidden
from app.core.permissions import routes_of
from app.workspaces import members
from app.workspaces import service as workspaces
from app.workspaces.audit_repository import AuditFilter, list_entries
from app.workspaces.members_pages import ABILITIES
from tests import factories
from tests.web import csrf_of, signed_in, with_key


def _actions(team: factories.Team) -> list[str]:
    with unit_of_work() as session:
        return [e.action for e in list_entries(session, team.workspace.id, AuditFilter(), limit=50)]


def test_a_role_change_holds_for_the_next_request_and_for_keys(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        key = factories.key(session, developer)
        admin_key = factories.key(session, committed_team.admin)
    mine, admin = {"x-api-key": key}, {"x-api-key": admin_key}
    body = {"path": "a", "model": "practice-1", "template": []}
    assert client.post("/v5/prompts", json=body, headers=mine).status_code == 200

    url = f"/v5/members/{developer.user_id}"
    assert client.patch(url, json={"role": "viewer"}, headers=admin).json()["role"] == "viewer"
    assert client.post("/v5/prompts", json=body | {"path": "b"}, headers=mine).status_code == 403
    assert client.get("/v5/prompts", headers=mine).status_code == 200, "a viewer still reads"

    assert client.delete(url, headers=admin).status_code == 204
    assert client.get("/v5/prompts", headers=mine).status_code == 401
    assert {"member.role_changed", "member.removed"} <= set(_actions(committed_team))


def test_a_removed_members_session_opens_nothing_and_their_keys_stay_dead(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        key = factories.key(session, person)
    signed_in(client, person)
    page = f"/w/{committed_team.workspace.slug}"
    assert client.get(page).status_code == 200
    with unit_of_work() as session:
        members.remove_member(session, committed_team.admin, person.user_id)
    assert client.get(page).status_code == 404
    with unit_of_work() as session:
        user = factories.accounts.repository.find_user(session, person.user_id)
        assert user
        workspaces.add_member(session, committed_team.admin, user, Role.DEVELOPER)
    assert client.get(page).status_code == 200
    assert client.get("/v5/prompts", headers={"x-api-key": key}).status_code == 401, (
        "coming back revives no key"
    )


@pytest.mark.parametrize("leave", ["role", "removal", "disabling"])
def test_the_last_admin_stays(client: TestClient, committed_team: factories.Team, leave: str) -> None:
    with_key(client, committed_team.admin)
    url = f"/v5/members/{committed_team.admin.user_id}"

    def try_it() -> int:
        if leave == "removal":
            return client.delete(url).status_code
        return client.patch(
            url, json={"role": "member"} if leave == "role" else {"disabled": True}
        ).status_code

    with unit_of_work() as session:
        second = factories.member(session, committed_team.workspace, Role.ADMIN)
        members.set_disabled(session, committed_team.admin, second.user_id, disabled=True)
    assert try_it() == 409, "an admin who is shut out does not count"
    with unit_of_work() as session:
        members.set_disabled(session, committed_team.admin, second.user_id, disabled=False)
    assert try_it() in (200, 204)


def test_of_two_admins_who_leave_at_once_one_stays(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        second = factories.member(session, committed_team.workspace, Role.ADMIN)
    start, refused = threading.Barrier(2), []

    def leave(who: str) -> None:
        start.wait()
        try:
            with unit_of_work() as session:
                members.change_role(session, committed_team.admin, who, Role.MEMBER)
                time.sleep(0.3)  # the other one looks before this one commits
        except Conflict as error:
            refused.append(error)

    threads = [
        threading.Thread(target=leave, args=[who]) for who in (committed_team.admin.user_id, second.user_id)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1


def test_a_disabled_account_is_shut_out_everywhere(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        key = factories.key(session, person)
    signed_in(client, person)
    with unit_of_work() as session:
        members.set_disabled(session, committed_team.admin, person.user_id, disabled=True)
    assert client.get(f"/w/{committed_team.workspace.slug}").status_code == 401
    assert client.get("/v5/prompts", headers={"x-api-key": key}).status_code == 401
    data = {"email": person.email, "password": factories.PASSWORD}
    assert client.post("/signin", data=data).status_code == 401


def test_who_is_let_in_again_signs_in_again(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.DEVELOPER)
    signed_in(client, person)
    for disabled in (True, False):
        with unit_of_work() as session:
            members.set_disabled(session, committed_team.admin, person.user_id, disabled=disabled)
    assert client.get(f"/w/{committed_team.workspace.slug}").status_code == 401, (
        "the old cookie opens nothing"
    )
    signed_in(client, person)


def test_a_session_that_is_left_opens_nothing_while_the_account_is_disabled(
    client: TestClient, committed_team: factories.Team
) -> None:
    """As one that began while the account was being disabled."""
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}"
    assert client.get(page).status_code == 200
    with unit_of_work() as session:
        session.execute(text("update user_account set disabled_at = now()"))
    assert client.get(page).status_code == 401


def test_an_admin_cannot_take_over_somebody_of_another_workspace(committed_team: factories.Team) -> None:
    """An account is one for all workspaces: its password opens the others, too."""
    with unit_of_work() as session:
        other = factories.team(session)
        user = factories.accounts.repository.find_user(session, other.admin.user_id)
        assert user
        workspaces.add_member(session, committed_team.admin, user, Role.MEMBER)
        for attempt in (
            lambda: members.make_reset_link(session, committed_team.admin, user.id),
            lambda: members.set_disabled(session, committed_team.admin, user.id, disabled=True),
        ):
            with pytest.raises(Forbidden, match="another workspace"):
                attempt()


def test_a_key_reaches_nobody_of_another_workspace_whose_admin_its_maker_is(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = factories.accounts.repository.find_user(session, committed_team.admin.user_id)
        assert admin
        other = factories.team(session)
        workspaces.add_member(session, other.admin, admin, Role.ADMIN)
        person = factories.member(session, committed_team.workspace, Role.MEMBER)
        user = factories.accounts.repository.find_user(session, person.user_id)
        assert user
        workspaces.add_member(session, other.admin, user, Role.MEMBER)
    with_key(client, committed_team.admin)
    url = f"/v5/members/{person.user_id}"
    assert client.delete(f"{url}/account").status_code == 403
    assert client.patch(url, json={"disabled": True}).status_code == 403
    with unit_of_work() as session:
        members.set_disabled(session, committed_team.admin, person.user_id, disabled=True)


def test_the_page_lists_people_and_says_what_is_in_the_way(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        factories.member(session, committed_team.workspace, Role.GUEST, "Gil Guest")
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}/settings/members"
    page = client.get(base).text
    assert "2 people, 1 of them a guest" in page
    assert "Gil Guest" in page
    own = f"{base}/{committed_team.admin.user_id}"
    refused = client.post(f"{own}/role", data={"_csrf": csrf_of(client), "role": "viewer"})
    assert refused.status_code == 409
    assert "the only admin" in refused.text


def test_others_are_told_who_keeps_the_members(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        factories.member(session, committed_team.workspace, Role.MEMBER, "Hidden Colleague")
    signed_in(client, viewer)
    page = client.get(f"/w/{committed_team.workspace.slug}/settings/members").text
    assert "is viewer" in page
    assert committed_team.admin.name in page
    assert "Hidden Colleague" not in page


@pytest.mark.parametrize(
    "body", [{"role": "owner"}, {"role": "Admin"}, {"role": None, "workspace_id": "ws_x", "is_admin": True}]
)
def test_what_is_no_role_changes_nothing(
    client: TestClient, committed_team: factories.Team, body: dict[str, object]
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.VIEWER)
    answer = with_key(client, committed_team.admin).patch(f"/v5/members/{person.user_id}", json=body)
    assert answer.status_code in (200, 422)
    with unit_of_work() as session:
        assert members.get_member(session, committed_team.admin, person.user_id).role == "viewer"


def test_the_table_of_abilities_tells_of_what_there_is(app: FastAPI) -> None:
    # Who comes in by a link is no member, and the page tells of members.
    of_others = {None, Action.PUBLIC, Action.SELF, Action.OWN_QUEUE}
    declared = {action for _, action in routes_of(app)} - of_others
    assert set(ABILITIES.values()) == declared
