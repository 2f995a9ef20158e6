"""Who came in, who left and who failed to, in the audit log: bounded, and without what was typed."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts import passwords
from app.accounts import service as accounts
from app.core.access import Role
from app.core.database import unit_of_work
from app.workspaces.sign_ins import REFUSALS_AN_HOUR
from tests import factories
from tests.web import csrf_of, signed_in


def _sessions() -> list[tuple[str, str, str | None]]:
    """What the log says of sessions, oldest first: action, who, by which way."""
    with unit_of_work() as session:
        rows = session.execute(
            text(
                "select action, actor_name, detail->>'by' from audit_entry "
                "where action like 'session.%' order by at, id"
            )
        )
        return [tuple(row) for row in rows]


def test_every_way_in_and_out_is_kept(client: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    signed_in(client, admin)
    client.post("/signout", data={"_csrf": csrf_of(client)})
    with unit_of_work() as session:
        link = accounts.create_sign_in_link(session, admin.email)
        reset = passwords.create_reset_link(session, admin.email)
    client.post(f"/signin/link/{link}")
    client.cookies.clear()
    client.post(f"/reset/{reset}", data={"password": "another long password"})
    assert _sessions() == [
        ("session.started", "Ada Admin", "password"),
        ("session.ended", "Ada Admin", None),
        ("session.started", "Ada Admin", "link"),
        ("session.started", "Ada Admin", "link"),
    ]
    page = client.get(f"/w/{committed_team.workspace.slug}/audit").text
    assert "Signed in" in page
    assert "Signed out" in page
    assert "by password" in page


def test_whoever_takes_a_browser_over_ends_the_session_before(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        other = factories.member(session, committed_team.workspace, Role.MEMBER, "Olga Other")
    for person in (committed_team.admin, committed_team.admin, other):
        signed_in(client, person)
    assert [each[:2] for each in _sessions()] == [
        ("session.started", "Ada Admin"),
        ("session.started", "Ada Admin"),
        ("session.ended", "Ada Admin"),
        ("session.started", "Olga Other"),
    ]


def test_failures_are_kept_without_what_was_typed_and_nobody_fills_the_table(
    app: FastAPI, client: TestClient, committed_team: factories.Team
) -> None:
    email = committed_team.admin.email
    for n in range(60):
        guesser = TestClient(app, base_url="http://whetstone.test", client=(f"192.0.2.{n}", 1))
        guesser.post("/signin", data={"email": email, "password": "a-guess-that-is-secret"})
        guesser.post("/signin", data={"email": f"nobody{n}@example.com", "password": "x"})
        if n % 10 == 9:  # all of them are tries that the throttle lets through
            with unit_of_work() as session:
                session.execute(text("delete from throttle"))
    with unit_of_work() as session:
        query = "select * from audit_entry where action = 'session.refused' order by at, id"
        rows = session.execute(text(query)).all()
    assert len(rows) == REFUSALS_AN_HOUR
    assert {row.actor_name for row in rows} == {"Somebody"}
    assert {row.actor_id for row in rows} == {None}
    assert [row.address for row in rows][:2] == ["192.0.2.0", "192.0.2.1"]
    assert {row.detail["name"] for row in rows} == {"Ada Admin"}
    assert sum("more_within_the_hour" in row.detail for row in rows) == 1
    assert "a-guess-that-is-secret" not in str(rows)
    with unit_of_work() as session:
        assert "nobody" not in str(session.execute(text("select * from audit_entry")).all())
    signed_in(client, committed_team.admin)
    assert "Failed to sign in" in client.get(f"/w/{committed_team.workspace.slug}/audit").text


@pytest.mark.parametrize("way", ["password", "pause"])
def test_a_disabled_account_is_told_of_and_a_pause_writes_nothing(
    client: TestClient, committed_team: factories.Team, way: str
) -> None:
    email = committed_team.admin.email
    with unit_of_work() as session:
        session.execute(text("update user_account set disabled_at = now()"))
    tries = 1 if way == "password" else 40
    answers = [
        client.post("/signin", data={"email": email, "password": factories.PASSWORD}).status_code
        for _ in range(tries)
    ]
    assert answers == [401] * min(tries, 10) + [429] * (tries - min(tries, 10))
    assert _sessions() == [("session.refused", "Somebody", "password")] * min(tries, REFUSALS_AN_HOUR)
