"""Variables of tools: set, listed by name, taken away, and never shown."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.tools.variables import count_variables, secrets_of
from app.transfer.archive import write_folder
from app.transfer.exporting import export_members
from tests import factories
from tests.web import with_key

VALUE = "token-of-the-service"


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


@pytest.fixture
def tool_id(committed_team: factories.Team) -> str:
    with unit_of_work() as session:
        return factories.tool(session, committed_team.admin, "tools/weather").file_id


def url(tool_id: str, name: str = "") -> str:
    return f"/v5/tools/{tool_id}/environment-variables" + (f"/{name}" if name else "")


def given(*names: str, value: str = VALUE) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name in names]


def shown(*names: str) -> list[dict[str, str | None]]:
    return [{**one, "origin": None} for one in given(*names, value="")]


def test_variables_are_set_replaced_listed_and_taken_away(api: TestClient, tool_id: str) -> None:
    assert api.get(url(tool_id)).json() == []
    assert api.post(url(tool_id), json=given("B", "A")).json() == shown("A", "B")
    assert api.post(url(tool_id), json=given("A", value="another-token")).json() == shown("A", "B")
    assert api.post(url(tool_id), json=[]).json() == shown("A", "B")
    with unit_of_work() as session:
        assert {name: one.value for name, one in secrets_of(session, tool_id, {"A", "B", "C"}).items()} == {
            "A": "another-token",
            "B": VALUE,
        }
    # The clients read a list from every answer, also of a deletion.
    gone = api.delete(url(tool_id, "B"))
    assert (gone.status_code, gone.json()) == (200, shown("A"))
    assert api.get(url(tool_id)).json() == shown("A")
    assert api.delete(url(tool_id, "B")).status_code == 404


def test_who_sets_one_sees_and_says_where_it_goes(api: TestClient, tool_id: str) -> None:
    def ask(host: str) -> None:
        setup = {"tool_type": "get_api_call", "setup_values": {"url": f"https://{host}/x"}}
        made = api.post("/v5/tools", json={"id": tool_id, **setup}).json()
        default = next(
            each["id"]
            for each in api.get(f"/v5/tools/{tool_id}/environments").json()
            if each["tag"] == "default"
        )
        address = f"/v5/tools/{tool_id}/environments/{default}"
        api.post(address, params={"version_id": made["version_id"]}).raise_for_status()

    def put(**more: str) -> tuple[int, str]:
        answer = api.post(url(tool_id), json=[{"name": "TOKEN", "value": VALUE, **more}])
        return answer.status_code, answer.text

    ask("example.com")
    assert put(origin="https://example.org")[0] == 422
    assert put(origin="http://example.com")[0] == 422
    assert api.get(url(tool_id)).json() == []
    status, said = put(origin="https://Example.com/")
    assert (status, "https://example.com:443" in said) == (200, True)
    assert put()[0] == 200, "it goes where it went"

    ask("example.org")
    status, said = put()
    assert (status, "TOKEN was set for https://example.com:443" in said) == (409, True)
    assert api.get(url(tool_id)).json()[0]["origin"] == "https://example.com:443"
    assert put(origin="https://example.org:443")[0] == 200
    assert api.get(url(tool_id)).json()[0]["origin"] == "https://example.org:443"


def test_a_value_stands_nowhere_in_the_open(api: TestClient, tool_id: str) -> None:
    api.post(url(tool_id), json=given("TOKEN")).raise_for_status()
    api.delete(url(tool_id, "TOKEN")).raise_for_status()
    api.post(url(tool_id), json=given("TOKEN")).raise_for_status()
    answers = [
        api.get(address).text
        for address in (
            url(tool_id), f"/v5/tools/{tool_id}", f"/v5/tools/{tool_id}/versions", "/v5/files", "/v5/audit",
        )
    ]  # fmt: skip
    assert VALUE not in "".join(answers)
    assert "tool.variables_set" in answers[-1]
    assert "tool.variable_removed" in answers[-1]
    with unit_of_work() as session:
        rows = list(
            session.scalars(text("select v::text || encode(sealed_value, 'escape') from tool_variable v"))
        )
        entries = list(session.scalars(text("select a::text from audit_entry a")))
    assert len(rows) == 1
    assert VALUE not in "".join(rows + entries)


def test_a_value_that_was_moved_in_the_database_does_not_open(
    api: TestClient, tool_id: str, committed_team: factories.Team
) -> None:
    api.post(url(tool_id), json=given("TOKEN")).raise_for_status()
    with unit_of_work() as session:
        assert count_variables(session) == (1, 1)
        session.execute(text("update tool_variable set origin = 'https://theirs.example:443'"))
    with unit_of_work() as session:
        assert count_variables(session) == (1, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", VALUE),
        ("1A", VALUE),
        ("a-b", VALUE),
        ("a" * 101, VALUE),
        ("A", ""),
        ("A", "é" * 10),
        ("A", "token\r\nX: 1"),
        ("A", "x" * 2_001),
    ],
)
def test_what_cannot_be_a_variable_is_refused(api: TestClient, tool_id: str, name: str, value: str) -> None:
    answer = api.post(url(tool_id), json=[{"name": name, "value": value}])
    assert answer.status_code == 422
    assert not value or value not in answer.text, "also what was refused may be secret"
    assert api.get(url(tool_id)).json() == []


def test_a_tool_has_only_so_many(api: TestClient, tool_id: str) -> None:
    api.post(url(tool_id), json=given(*(f"V{n}" for n in range(100)))).raise_for_status()
    assert api.post(url(tool_id), json=given("V5")).status_code == 200
    assert api.post(url(tool_id), json=given("MORE")).status_code == 422


def test_only_admins_set_them_and_whoever_reads_sees_their_names(
    client: TestClient, committed_team: factories.Team, tool_id: str
) -> None:
    with_key(client, committed_team.admin).post(url(tool_id), json=given("A")).raise_for_status()
    with unit_of_work() as session:
        others = [
            factories.member(session, committed_team.workspace, role)
            for role in (Role.DEVELOPER, Role.MEMBER, Role.VIEWER)
        ]
        stranger = factories.team(session).admin
    for somebody in others:
        theirs = with_key(client, somebody)
        assert theirs.get(url(tool_id)).json() == shown("A")
        assert theirs.post(url(tool_id), json=given("B")).status_code == 403
        assert theirs.delete(url(tool_id, "A")).status_code == 403
    elsewhere = with_key(client, stranger)
    assert elsewhere.get(url(tool_id)).status_code == 404
    assert elsewhere.post(url(tool_id), json=given("B")).status_code == 404


def test_only_tools_have_them(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
    assert api.post(url(prompt.file_id), json=given("A")).status_code == 404


def test_they_are_gone_with_their_tool(api: TestClient, tool_id: str) -> None:
    api.post(url(tool_id), json=given("A")).raise_for_status()
    api.delete(f"/v5/tools/{tool_id}").raise_for_status()
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from tool_variable")) == 0
    assert api.get(url(tool_id)).status_code == 404


def test_they_are_in_no_export(
    api: TestClient, tool_id: str, committed_team: factories.Team, tmp_path: Path
) -> None:
    api.post(url(tool_id), json=given("TOKEN")).raise_for_status()
    write_folder(export_members(committed_team.workspace.id), tmp_path / "export")
    texts = [path.read_text() for path in (tmp_path / "export").rglob("*") if path.is_file()]
    assert any("tools/weather" in one for one in texts)
    assert not any("TOKEN" in one or VALUE in one for one in texts)


def test_a_short_value_is_a_value_and_none_is_not(api: TestClient, tool_id: str) -> None:
    answer = api.post(url(tool_id), json=given("name", value="value"))
    assert (answer.status_code, answer.json()) == (200, shown("name"))
    assert api.post(url(tool_id), json=given("name", value="x")).json() == shown("name")
    assert api.post(url(tool_id), json=given("name", value="")).status_code == 422
