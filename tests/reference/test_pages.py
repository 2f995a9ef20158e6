"""The pages of the API's documentation: for who is signed in or has a key, whole, and to be searched."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.reference.words import SECTIONS
from tests import factories
from tests.web import signed_in, with_key

PAGES = ("/docs", "/docs/prompts", "/docs/audit-log")


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_sign_in(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert 'action="/signin"' in answer.text
    assert f'value="{path}"' in answer.text, "and then comes back"


def test_a_strange_program_gets_an_error_that_it_can_read(client: TestClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.status_code == 401
    assert "X-API-KEY" in answer.json()["detail"]
    wrong = client.get("/openapi.json", headers={"x-api-key": "whet_wrong"})
    assert wrong.status_code == 401
    assert "not valid" in wrong.json()["detail"]
    assert client.get("/docs", headers={"x-api-key": "whet_wrong"}).status_code == 401


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
def test_a_session_and_a_key_open_it(client: TestClient, committed_team: factories.Team, path: str) -> None:
    with unit_of_work() as session:
        guest = factories.member(session, committed_team.workspace, Role.GUEST)
    assert with_key(client, committed_team.admin).get(path).status_code == 200
    del client.headers["x-api-key"]
    assert signed_in(client, guest).get(path).status_code == 200


def test_the_description_is_the_applications(
    app: FastAPI, client: TestClient, committed_team: factories.Team
) -> None:
    answer = with_key(client, committed_team.admin).get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == app.openapi()


def test_every_operation_stands_on_a_page(
    app: FastAPI, client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    overview = client.get("/docs").text
    pages = {name: client.get(f"/docs/{name.lower().replace(' ', '-')}").text for name, _ in SECTIONS}
    for path, methods in app.openapi()["paths"].items():
        for operation in methods.values():
            assert f'#{operation["operationId"]}"' in overview
            page = pages[operation["tags"][0]]
            assert f'id="{operation["operationId"]}"' in page
            assert path in page


def test_the_search_finds_operations_with_all_words(
    client: TestClient, committed_team: factories.Team
) -> None:
    with_key(client, committed_team.admin)
    found = client.get("/docs", params={"q": "LOG batch"}).text
    assert re.findall(r'href="/docs/[a-z-]+#([a-z_]+)"', found) == ["log_batch"]
    nothing = client.get("/docs", params={"q": "<b>nowhere</b>"}).text
    assert "Nothing matches “&lt;b&gt;nowhere&lt;/b&gt;”" in nothing


def test_a_section_that_is_not_there(client: TestClient, committed_team: factories.Team) -> None:
    assert signed_in(client, committed_team.admin).get("/docs/nothing").status_code == 404


def test_a_body_is_described_down_to_its_parts(client: TestClient, committed_team: factories.Team) -> None:
    page = with_key(client, committed_team.admin).get("/docs/prompts").text
    upsert = page.partition('id="upsert_prompt"')[2].partition("</article>")[0]
    assert "<code>template</code>" in upsert
    assert "<code>image_url</code>" in upsert, "a part of a message's content"
    assert "Roles: admin, developer, member" in upsert
    assert "support/answer" in upsert


def test_nothing_on_the_pages_comes_from_another_host(
    client: TestClient, committed_team: factories.Team
) -> None:
    page = with_key(client, committed_team.admin).get("/docs/prompts")
    assert re.findall(r'(?:src|href)="(?!/|#)([^"]*)"', page.text) == []
    assert "<style" not in page.text
    assert re.findall(r"<script(?! src=)", page.text) == []


def test_the_keys_page_leads_to_it(client: TestClient, committed_team: factories.Team) -> None:
    keys = signed_in(client, committed_team.admin).get(f"/w/{committed_team.workspace.slug}/settings/keys")
    assert 'href="/docs"' in keys.text
