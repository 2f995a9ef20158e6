"""Environments of one's own: protected ones are for admins and the developers that are named."""

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.files import approvers, deployments
from app.workspaces import members
from tests import factories
from tests.web import csrf_of, signed_in, with_key


def _base(team: factories.Team) -> str:
    return f"/w/{team.workspace.slug}/settings/environments"


def test_an_environment_is_made_renamed_and_deleted_when_nothing_runs_there(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    made = client.post("/v5/environments", json={"name": "eu-pilot", "protected": True})
    assert made.status_code == 201
    assert made.json()["approvers"] == []
    url = f"/v5/environments/{made.json()['id']}"
    assert client.patch(url, json={"name": "eu"}).json()["name"] == "eu"
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin)
        there = deployments.get_environment(session, committed_team.admin, "eu")
        deployments.deploy(session, committed_team.admin, version.file, version, there)
    refused = client.delete(url)
    assert refused.status_code == 409
    assert "1 file runs in eu" in refused.text
    with unit_of_work() as session:
        there = deployments.get_environment(session, committed_team.admin, "eu")
        deployments.undeploy(session, committed_team.admin, version.file, there)
    assert client.delete(url).status_code == 204
    assert "eu" not in [each["name"] for each in client.get("/v5/environments").json()]


def test_an_environment_is_made_the_default_at_once(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    made = client.post("/v5/environments", json={"name": "live", "tag": "default"})
    other = client.post("/v5/environments", json={"name": "pilot", "tag": "other"})
    tags = {each["name"]: each["tag"] for each in client.get("/v5/environments").json()}

    assert (made.status_code, made.json()["tag"]) == (201, "default"), made.text
    assert (other.status_code, other.json()["tag"]) == (201, "other"), other.text
    assert tags == {"live": "default", "pilot": "other", "production": "other", "staging": "other"}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("named", [False, True])
def test_a_protected_environment_is_for_admins_and_named_developers(
    client: TestClient, committed_team: factories.Team, role: Role, named: bool
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, role)
        staging = deployments.get_environment(session, admin, "staging")
        deployments.change_environment(session, admin, staging, protected=True)
        if named and role is Role.DEVELOPER:
            approvers.name_approvers(session, admin, staging, [person.user_id])
        version = factories.prompt(session, admin)
        key = factories.key(session, person)
    url = f"/v5/prompts/{version.file_id}/environments/{staging.id}"
    answer = client.post(url, params={"version_id": version.id}, headers={"x-api-key": key})
    may = role is Role.ADMIN or (named and role is Role.DEVELOPER)
    assert answer.status_code in ((200, 201) if may else (403,)), answer.text


def test_whoever_is_no_developer_any_more_deploys_no_more(committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.DEVELOPER, "Dev One")
        staging = deployments.get_environment(session, admin, "staging")
        deployments.change_environment(session, admin, staging, protected=True)
        approvers.name_approvers(session, admin, staging, [person.user_id])
        assert approvers.why_not(session, person, staging) == ""
        members.change_role(session, admin, person.user_id, Role.MEMBER)
        demoted = factories.workspaces.principal_of(
            committed_team.workspace, members.get_member(session, admin, person.user_id).user, Role.MEMBER
        )
        assert "is protected" in approvers.why_not(session, demoted, staging)
        members.remove_member(session, admin, person.user_id)
        assert approvers.approvers_of(session, [staging])[staging.id] == []


def test_only_developers_of_the_workspace_are_named(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        staging = deployments.get_environment(session, committed_team.admin, "staging")
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
        for somebody in (viewer.user_id, stranger.user_id, "usr_nobody"):
            with pytest.raises(Invalid, match="Change the person's role first"):
                approvers.name_approvers(session, committed_team.admin, staging, [somebody])


def test_a_first_version_waits_where_the_default_is_protected(committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        production = deployments.get_environment(session, admin, "production")
        deployments.change_environment(session, admin, production, protected=True)
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
        version = factories.prompt(session, member)
        with pytest.raises(NotFound):
            deployments.deployed_version(session, version.file, "production")
        with pytest.raises(Forbidden, match="production is protected: an admin deploys there"):
            deployments.deploy(session, member, version.file, version, production)


def test_the_default_is_not_deleted(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        production = deployments.get_environment(session, committed_team.admin, "production")
        with pytest.raises(Conflict, match="default"):
            deployments.delete_environment(session, committed_team.admin, production)


def test_the_page_shows_what_runs_where_and_who_deploys(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER, "Dana Dev")
        factories.prompt(session, committed_team.admin, "Support/Classifier")
    signed_in(client, committed_team.admin)
    base, form = _base(committed_team), {"_csrf": csrf_of(client)}
    assert "Every developer deploys everywhere" in client.get(base).text
    assert client.post(f"{base}/new", data=form | {"name": "production"}).status_code == 409
    assert client.post(f"{base}/new", data=form | {"name": "eu", "protected": "yes"}).status_code == 303
    eu = next(
        e for e in with_key(client, committed_team.admin).get("/v5/environments").json() if e["name"] == "eu"
    )
    saved = {"name": "eu-west", "protected": "yes", "named": developer.user_id}
    assert client.post(f"{base}/{eu['id']}", data=form | saved).status_code == 303
    page = client.get(base).text
    assert "eu-west is protected" in page
    assert "admin, Dana Dev" in page
    assert "Classifier" in page
    assert client.post(f"{base}/{eu['id']}/protection", data=form).status_code == 303
    assert "Every developer deploys everywhere" in client.get(base).text
    assert client.post(f"{base}/{eu['id']}/delete", data=form).status_code == 303
    assert "eu-west" not in client.get(base).text


def _moved_aside(client: TestClient, file_id: str, key: str, directory_id: str) -> list[int]:
    """What is answered to each way of taking a file's path away."""
    headers = {"x-api-key": key}
    url = f"/v5/prompts/{file_id}"
    return [
        client.patch(url, json={"path": "aside/prompt"}, headers=headers).status_code,
        client.patch(f"/v5/directories/{directory_id}", json={"path": "aside"}, headers=headers).status_code,
        client.delete(url, headers=headers).status_code,
    ]


def test_what_runs_is_taken_away_by_those_only_who_may_deploy_in_its_place(
    client: TestClient, committed_team: factories.Team
) -> None:
    """Callers name it by its path: whoever moves it aside can put another there."""
    admin, keys = committed_team.admin, {}
    with unit_of_work() as session:
        version = factories.prompt(session, admin, "live/prompt")
        file_id, directory_id = version.file_id, version.file.directory_id
        for role in (Role.MEMBER, Role.DEVELOPER):
            keys[role] = factories.key(session, factories.member(session, committed_team.workspace, role))
    assert _moved_aside(client, file_id, keys[Role.MEMBER], directory_id) == [403, 403, 403]
    with unit_of_work() as session:
        production = deployments.get_environment(session, admin, "production")
        deployments.change_environment(session, admin, production, protected=True)
    assert _moved_aside(client, file_id, keys[Role.DEVELOPER], directory_id) == [403, 403, 403]
    with unit_of_work() as session:
        deployments.change_environment(
            session, admin, deployments.get_environment(session, admin, "production"), protected=False
        )
    assert _moved_aside(client, file_id, keys[Role.DEVELOPER], directory_id)[0] == 200


def test_people_move_and_delete_what_they_made_themselves(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.MEMBER)
        version = factories.prompt(session, person, "mine/prompt")
        headers = {"x-api-key": factories.key(session, person)}
    url = f"/v5/prompts/{version.file_id}"
    assert client.patch(url, json={"path": "mine/other"}, headers=headers).status_code == 200
    assert client.delete(url, headers=headers).status_code == 204
