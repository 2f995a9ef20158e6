"""The first minute of a server: one link, one account, one workspace."""

import re

from fastapi.testclient import TestClient

from app.accounts import service as accounts
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.files import repository as files
from app.providers import repository as providers
from app.workspaces import repository as workspaces

FORM = {
    "full_name": "Maya Okafor",
    "email": "maya@example.com",
    "password": "correct horse battery staple",
    "workspace": "Northbank Café",
    "demo": "no",
}


def test_the_link_opens_a_workspace_once(client: TestClient) -> None:
    with unit_of_work() as session:
        token = accounts.create_setup_token(session)

    assert client.get("/setup", params={"token": token}).status_code == 200
    short = client.post("/setup", data={**FORM, "token": token, "password": "short"})
    assert short.status_code == 422
    assert "12 characters" in short.text
    assert "Northbank Café" in short.text, "what was typed stays"
    done = client.post("/setup", data={**FORM, "token": token})

    assert (done.status_code, done.headers["location"]) == (303, "/w/northbank-cafe")
    assert SESSION_COOKIE in client.cookies
    with unit_of_work() as session:
        workspace = workspaces.find_workspace(session, "northbank-cafe")
        assert workspace is not None
        names = [environment.name for environment in files.list_environments(session, workspace.id)]
        assert names == ["production", "staging"]
        assert [p.kind for p in providers.list_providers(session, workspace.id)] == ["practice"]
        assert accounts.create_setup_token(session) is None
    assert client.post("/setup", data={**FORM, "token": token, "email": "eve@example.com"}).status_code == 401


def test_a_guessed_link_opens_nothing(client: TestClient) -> None:
    assert client.get("/setup", params={"token": "guess"}).status_code == 404
    assert client.post("/setup", data={**FORM, "token": "guess"}).status_code == 401
    with unit_of_work() as session:
        assert workspaces.find_workspace(session, "northbank-cafe") is None


def test_a_name_that_makes_no_address_is_said_at_its_field(client: TestClient) -> None:
    with unit_of_work() as session:
        token = accounts.create_setup_token(session)

    answer = client.post("/setup", data={**FORM, "token": token, "workspace": "???"})

    assert answer.status_code == 422
    field, said = re.findall(
        r'<input class="input" id="workspace"[^>]*>|(?<=id="workspace-problem" role="alert">)[^<]+',
        answer.text,
    )
    assert 'value="???"' in field
    assert 'aria-invalid="true" aria-describedby="workspace-problem"' in field
    assert said == "Use at least one letter or digit, from a to z or 0 to 9: the address is made of them."
    assert all(f'value="{FORM[name]}"' in answer.text for name in ("full_name", "email")), (
        "what was typed stays"
    )
    assert client.post("/setup", data={**FORM, "token": token}).status_code == 303, "the link still works"
