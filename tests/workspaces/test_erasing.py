"""Erasing a person: nothing in the whole database tells name or address afterwards, and what they made stays."""

import subprocess

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import tables  # noqa: F401 - loads all of them
from app.accounts import service as accounts
from app.comments.models import Subject
from app.core.access import Role
from app.core.database import Base, unit_of_work
from app.core.errors import Conflict, Forbidden
from app.embedded.postgres import find_binaries
from app.files import approvers, deployments
from app.workspaces import erasing, erasing_repository, invitations, members
from app.workspaces import service as workspaces
from tests import factories
from tests.web import csrf_of, signed_in, with_key

NAME = 'Zoë "Canary" O\'Neil-Ünal'
EMAIL = "zoe.canary@example.com"


def everything_in(url: str) -> str:
    """The database as pg_dump writes it."""
    binaries, _ = find_binaries()
    address = url.replace("+psycopg", "")
    ran = subprocess.run(
        [binaries / "pg_dump", f"--dbname={address}"], capture_output=True, text=True, check=True
    )
    return ran.stdout


def found_in(dump: str) -> list[str]:
    words = [EMAIL, "Canary", "canary", "Zoë", "Zo\\", "O'Neil", "Ünal"]
    return [line[:200] for line in dump.splitlines() if any(word in line for word in words)]


def a_busy_person(session, team: factories.Team, role: Role = Role.DEVELOPER):
    """Somebody whose name and address stand wherever they can."""
    invitations.invite(session, team.admin, EMAIL, role)
    user = accounts.create_user(session, email=EMAIL, full_name=NAME)
    user.password_hash = factories._password_hash()
    workspaces.add_member(session, team.admin, user, role)
    person = workspaces.principal_of(team.workspace, user, role)
    prompt, rows = factories.prompt(session, person), factories.dataset(session, person)
    evaluation = factories.evaluation(session, person, prompt, factories.evaluator(session, person))
    factories.finish_run(session, factories.started_run(session, person, evaluation, prompt, rows), ["a"] * 3)
    asked = factories.evaluator(session, person, "human")
    factories.reviewed(
        session, person, factories.review(session, person, evaluation, asked, [person]), 1, True
    )
    factories.comment(session, person, Subject.VERSION, prompt.id, "mine")
    factories.comment(session, team.admin, Subject.VERSION, prompt.id, f"@{NAME}, look")
    environment = deployments.get_environment(session, team.admin, "production")
    approvers.name_approvers(session, team.admin, environment, [user.id])
    deployments.deploy(session, person, prompt.file, prompt, environment)
    accounts.create_sign_in_link(session, EMAIL)
    accounts.start_session(session, user, "link")
    factories.key(session, person)
    _, token = invitations.invite(session, person, "other@example.com", Role.VIEWER)
    invitations.join_as_new(session, token, full_name="Other", password=factories.PASSWORD)
    members.change_role(session, team.admin, user.id, Role.MEMBER)
    members.set_disabled(session, team.admin, user.id, disabled=True)
    members.set_disabled(session, team.admin, user.id, disabled=False)
    return person, prompt.id


def test_nothing_tells_who_it_was_and_what_they_made_stays(database: Engine, database_url: str) -> None:
    with unit_of_work() as session:
        team = factories.team(session)
        person, version_id = a_busy_person(session, team)
    assert len(found_in(everything_in(database_url))) > 10, "the dump is read"
    with unit_of_work() as session:
        erasing.erase_member(session, team.admin, person.user_id)
    assert found_in(everything_in(database_url)) == []
    with database.connect() as connection:
        named = "select author_name, author_id from version where id = :id"
        assert connection.execute(text(named), {"id": version_id}).one() == ("Deleted person", person.user_id)
        comments = connection.execute(text("select author_name, body from comment order by id")).all()
        assert comments == [("Deleted person", "mine"), ("Ada Admin", f"@[{person.user_id}], look")]
        for table in ("user_account", "user_session", "one_time_token", "api_key", "membership"):
            column = {"user_account": "id", "api_key": "created_by"}.get(table, "user_id")
            left = connection.execute(
                text(f"select count(*) from {table} where {column} = :u"), {"u": person.user_id}
            )
            assert left.scalar() == 0, table
        acts = connection.execute(
            text("select action, actor_name, address from audit_entry where actor_id = :u"),
            {"u": person.user_id},
        ).all()
        assert len(acts) > 3
        assert {(name, address) for _, name, address in acts} == {("Deleted person", None)}
        told = "select subject_id, actor_name from audit_entry where action = 'member.erased'"
        assert connection.execute(text(told)).one() == (person.user_id, team.admin.name)


def test_every_column_that_names_a_person_is_known() -> None:
    named = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_name") and column.name != "slug_name"
    }
    assert named == {(table, column) for table, _, column in erasing_repository.NAMED} | {
        ("user_account", "full_name"),
        ("audit_entry", "actor_name"),
    }


def test_a_person_erases_themselves_with_their_password(
    client: TestClient, committed_team: factories.Team, database_url: str
) -> None:
    with unit_of_work() as session:
        person, _ = a_busy_person(session, committed_team)
    signed_in(client, person)
    page = f"/w/{committed_team.workspace.slug}/settings/account"

    def erase(password: str):
        return client.post(f"{page}/erase", data={"_csrf": csrf_of(client), "erase_with": password})

    assert erase("wrong").status_code == 422
    assert client.get(page).status_code == 200
    gone = erase(factories.PASSWORD)
    assert (gone.status_code, gone.headers["location"]) == (303, "/signin")
    assert client.get(page).status_code in (303, 401)
    assert found_in(everything_in(database_url)) == []


def test_the_only_admin_stays(database: Engine) -> None:
    with unit_of_work() as session:
        team = factories.team(session)
        with pytest.raises(Conflict):
            erasing.erase_myself(session, team.admin)
        elsewhere = factories.team(session)
        other = members.get_member(session, elsewhere.admin, elsewhere.admin.user_id).user
        workspaces.add_member(session, team.admin, other, Role.VIEWER)
        with pytest.raises(Forbidden):
            erasing.erase_member(session, team.admin, other.id)


def test_somebody_whose_address_holds_the_same_letters_is_left_alone(database: Engine) -> None:
    with unit_of_work() as session:
        team, elsewhere = factories.team(session), factories.team(session)
        for email in ("joann@x.example", "ann@x.example.org", "ann@x.example"):
            invitations.invite(session, elsewhere.admin, email, Role.VIEWER)
        ann = accounts.create_user(session, email="ann@x.example", full_name="Ann")
        workspaces.add_member(session, team.admin, ann, Role.VIEWER)
        erasing.erase_member(session, team.admin, ann.id)
        told = session.scalars(
            text("select detail::text from audit_entry where workspace_id = :workspace order by id"),
            {"workspace": elsewhere.workspace.id},
        )
        told = " ".join(told)
    assert "joann@x.example" in told
    assert "ann@x.example.org" in told
    assert '"ann@x.example"' not in told
    assert "Deleted person" in told


def test_an_admin_erases_by_api(
    client: TestClient, committed_team: factories.Team, database_url: str
) -> None:
    with unit_of_work() as session:
        person, _ = a_busy_person(session, committed_team)
    with_key(client, committed_team.admin)
    url = f"/v5/members/{person.user_id}/account"
    assert client.delete(url).status_code == 204
    assert client.delete(url).status_code == 404
    assert found_in(everything_in(database_url)) == []


def test_names_that_an_import_brought_go_too(
    committed_team: factories.Team,
) -> None:
    """The ids beside them are those that people had elsewhere."""
    names = [("usr_there", NAME), ("usr_there_too", EMAIL.title()), (None, NAME)]
    with unit_of_work() as session:
        other = factories.team(session)
        person, _ = a_busy_person(session, committed_team)
        namesake = factories.member(session, committed_team.workspace, Role.MEMBER, NAME)
        versions = [factories.prompt(session, committed_team.admin).id for _ in (*names, 1)]
        elsewhere = factories.prompt(session, other.admin).id
        rename = text("update version set author_id = :author, author_name = :name where id = :id")
        for version_id, (author, name) in zip(versions, names, strict=False):
            session.execute(rename, {"id": version_id, "author": author, "name": name})
        for version_id, author in ((versions[-1], namesake.user_id), (elsewhere, "usr_there")):
            session.execute(rename, {"id": version_id, "author": author, "name": NAME})
    with unit_of_work() as session:
        erasing.erase_member(session, committed_team.admin, person.user_id)
    with unit_of_work() as session:
        found = session.execute(text("select id, author_name from version")).all()
    told = {row.id: row.author_name for row in found}
    assert [told[each] for each in versions] == ["Deleted person"] * 3 + [NAME], "a namesake keeps theirs"
    assert told[elsewhere] == NAME, "somebody else's, in a workspace where the person never was"


def test_the_audit_log_lets_nothing_else_be_changed(database: Engine, database_url: str) -> None:
    with unit_of_work() as session:
        factories.team(session)
    for change in ("action = 'x'", "actor_id = 'x'", "at = now()", "subject_id = 'x'", "id = 'x'"):
        with unit_of_work() as session:
            session.execute(text("set local whetstone.erases = 'yes'"))
            with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
                session.execute(text(f"update audit_entry set {change}, detail = '{{}}'"))
    for statement in (
        "update audit_entry set detail = '{}'",
        "delete from audit_entry",
        "truncate audit_entry",
    ):
        with (
            pytest.raises(psycopg.Error, match="append-only"),
            psycopg.connect(database_url.replace("+psycopg", "")) as connection,
        ):
            connection.execute(statement)


def test_who_belongs_to_no_workspace_any_more_is_erased_by_the_operator(
    committed_team: factories.Team, database: Engine
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.MEMBER)
    with unit_of_work() as session, pytest.raises(Conflict, match="an admin there erases"):
        erasing.erase_without_workspace(session, person.email)
    with unit_of_work() as session:
        members.remove_member(session, committed_team.admin, person.user_id)
    with unit_of_work() as session:
        erasing.erase_without_workspace(session, person.email)
    dump = everything_in(database.url.render_as_string(hide_password=False))
    assert person.email not in dump
