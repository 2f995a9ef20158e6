"""The audit log: what is written, filtered, paged and exported; and that nobody changes it."""

import csv
import io
import json

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.spreadsheet import safe_cell
from app.workspaces import audit, invitations, members
from tests import factories
from tests.web import csrf_of, signed_in, with_key


def _url(team: factories.Team) -> str:
    return f"/w/{team.workspace.slug}/audit"


def test_what_people_do_about_access_is_in_the_log(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin, slug = committed_team.admin, committed_team.workspace.slug
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        invitation, _ = invitations.invite(session, admin, "x@example.com", Role.VIEWER)
        invitations.revoke(session, admin, invitation.id)
        members.make_reset_link(session, admin, person.user_id)
        members.change_role(session, admin, person.user_id, Role.MEMBER)
        members.remove_member(session, admin, person.user_id)
    signed_in(client, admin)
    settings, form = f"/w/{slug}/settings", {"_csrf": csrf_of(client)}
    client.post(f"{settings}/keys", data=form | {"name": "k", "role": "viewer"})
    client.post(f"{settings}/providers", data=form | {"name": "p", "base_url": "http://127.0.0.1:9/v1"})
    client.post(f"{settings}/environments/new", data=form | {"name": "eu"})
    changed = form | {"current": factories.PASSWORD, "password": "another long password"}
    client.post(f"{settings}/account", data=changed)
    client.post(f"{settings}/account/sign-out-everywhere", data=form)

    found = with_key(client, admin).get("/v5/audit", params={"size": 100}).json()
    assert {
        "member.added", "invitation.created", "invitation.revoked", "member.reset_link_made",
        "member.role_changed", "member.removed", "key.created", "provider.created", "environment.created",
        "password.changed", "session.ended_everywhere",
    } <= {each["action"] for each in found["records"]}  # fmt: skip
    assert found["total"] == len(found["records"])
    by_action = {each["action"]: each for each in found["records"]}
    assert by_action["environment.created"]["address"] == "testclient", "where it came from"
    assert by_action["member.removed"]["address"] is None, "this was no request"


def test_filters_stand_in_the_address_and_narrow_the_list(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        other = factories.member(session, committed_team.workspace, Role.ADMIN, "Olga Other")
        audit.record(session, other, "key.created", "key", "key_1", name="hers")
        audit.record(session, committed_team.admin, "key.revoked", "key", "key_2", name="his")
    with_key(client, committed_team.admin)

    def names(**query: str) -> set[str]:
        return {
            each["detail"].get("name") for each in client.get("/v5/audit", params=query).json()["records"]
        }

    assert names(actor=other.user_id, action="key") == {"hers"}
    assert names(action="key.revoked") == {"his"}
    assert names(action="key.created", until="2020-01-01T00:00:00Z") == set()
    assert "hers" in names(action="key", since="2020-01-01T00:00:00Z")
    assert names(action="ke_") == set(), "a wildcard is a letter"

    signed_in(client, committed_team.admin)
    page = client.get(_url(committed_team), params={"actor": other.user_id, "action": "key.created"}).text
    assert "hers" in page
    assert ">his<" not in page
    nothing = client.get(_url(committed_team), params={"to": "2020-01-01"}).text
    assert "Nothing matches" in nothing
    assert "is no date" in client.get(_url(committed_team), params={"from": "yesterday"}).text


def test_pages_go_on_where_the_last_ended_while_entries_come_in(
    client: TestClient, committed_team: factories.Team
) -> None:
    def add(first: int, last: int) -> None:
        with unit_of_work() as session:
            for n in range(first, last):
                audit.record(session, committed_team.admin, "test.done", "test", f"subject-{n:03}")

    add(0, 120)
    signed_in(client, committed_team.admin)
    seen: list[str] = []
    url = f"{_url(committed_team)}?action=test.done"
    while url:
        page = client.get(url).text
        seen += [part[:11] for part in page.split("<td>subject-")[1:]]
        add(500, 503)
        older = page.split(">Older</a>")[0].rpartition('href="')[2].split('"')[0] if ">Older<" in page else ""
        url = older.replace("&amp;", "&")
    assert len(seen) == 120
    assert len(set(seen)) == 120


def test_exports_hold_what_the_filter_finds_and_no_formula(
    client: TestClient, committed_team: factories.Team
) -> None:
    formula = '=HYPERLINK("http://elsewhere.example";"x")\n,"'
    with unit_of_work() as session:
        evil = factories.member(session, committed_team.workspace, Role.ADMIN, formula)
        audit.record(session, evil, "test.done", "test", "@subject", name=formula)
        for n in range(1500):
            audit.record(session, committed_team.admin, "test.done", "test", f"s{n}")
    signed_in(client, committed_team.admin)
    url = f"{_url(committed_team)}/export"
    query = {"action": "test.done"}
    answer = client.get(url, params=query | {"format": "csv"})
    assert answer.headers["content-disposition"].startswith("attachment;")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 1501
    assert not [
        cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]
    found = next(row for row in rows if row["subject_id"] == "'@subject")
    assert found["actor"] == "'" + " ".join(formula.split()), "names are one line"

    lines = client.get(url, params=query | {"format": "jsonl"}).text.splitlines()
    assert len(lines) == 1501
    exact = next(each for each in map(json.loads, lines) if each["subject_id"] == "@subject")
    assert exact["detail"]["name"] == formula, "JSONL is byte for byte what was written"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "|", "＝", "＋", "－", "＠"])
def test_a_cell_that_could_be_a_formula_is_text(start: str) -> None:
    assert safe_cell(f"{start}1") == f"'{start}1"
    assert safe_cell(f"a{start}1") == f"a{start}1"


def test_only_admins_read_it_and_nobody_changes_it(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
    signed_in(client, developer)
    page = client.get(_url(committed_team))
    assert "This needs the role admin" in page.text
    assert "member.added" not in page.text
    assert client.get(f"{_url(committed_team)}/export").status_code == 403
    for change in ("update audit_entry set action = 'x'", "delete from audit_entry", "truncate audit_entry"):
        with pytest.raises(DBAPIError, match="append-only"), unit_of_work() as session:
            session.execute(text(change))
