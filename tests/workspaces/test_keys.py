"""API keys: a role that is never more than the maker's, an end, and revocation that holds at once, everywhere."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core import clock
from app.core.access import Role
from app.core.database import unit_of_work
from app.core.errors import Forbidden, Invalid
from app.main import create_app
from app.workspaces import service as workspaces
from app.workspaces.models import ApiKey
from tests import factories
from tests.web import csrf_of, signed_in


def _status(client: TestClient, key: str) -> int:
    return client.get("/v5/prompts", headers={"x-api-key": key}).status_code


def test_a_key_has_a_prefix_for_scanners_and_is_stored_as_a_hash(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        key = factories.key(session, committed_team.admin)
        assert re.fullmatch(r"whet_[0-9A-Za-z_-]{43}", key), "256 bits behind a fixed prefix"
        for row in session.execute(text("select k::text from api_key k")):
            assert key not in row[0]
            assert key[12:] not in row[0]


def test_revoking_holds_at_once_in_every_process(client: TestClient, committed_team: factories.Team) -> None:
    """Two applications share nothing but the database, as two processes do."""
    with unit_of_work() as session:
        made, key = workspaces.create_key(session, committed_team.admin, name="k", role=Role.VIEWER)
    with TestClient(create_app()) as second:
        assert (_status(client, key), _status(second, key)) == (200, 200)
        with unit_of_work() as session:
            workspaces.revoke_key(session, committed_team.admin, made.id)
        assert (_status(client, key), _status(second, key)) == (401, 401)


def test_a_key_ends_when_its_time_comes(client: TestClient, committed_team: factories.Team) -> None:
    soon = clock.now() + timedelta(minutes=5)
    with unit_of_work() as session:
        made, key = workspaces.create_key(
            session, committed_team.admin, name="k", role=Role.VIEWER, expires_at=soon
        )
        with pytest.raises(Invalid):
            workspaces.create_key(
                session, committed_team.admin, name="k", role=Role.VIEWER, expires_at=clock.now()
            )
    assert _status(client, key) == 200
    with unit_of_work() as session:
        session.get_one(ApiKey, made.id).expires_at = clock.now() - timedelta(milliseconds=1)
    assert _status(client, key) == 401


def test_nobody_makes_a_key_above_themselves(committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        with pytest.raises(Forbidden, match="more than its maker"):
            workspaces.create_key(session, developer, name="k", role=Role.ADMIN)


def test_a_key_opens_its_own_workspace_and_no_page(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        other = factories.team(session)
        prompt = factories.prompt(session, other.admin)
        key = factories.key(session, committed_team.admin)
    headers = {"x-api-key": key}
    assert client.get(f"/v5/prompts/{prompt.file_id}", headers=headers).status_code == 404
    assert client.get(f"/w/{committed_team.workspace.slug}", headers=headers).status_code == 401
    assert client.get(f"/v5/prompts?api_key={key}").status_code == 401, "a key in an address is no key"


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59-12:00", "9500-01-01T00:00:00Z"])
def test_a_key_that_could_not_be_read_again_is_not_made(
    client: TestClient, committed_team: factories.Team, far: str
) -> None:
    with unit_of_work() as session:
        headers = {"x-api-key": factories.key(session, committed_team.admin)}
    made = client.post("/v5/keys", json={"name": "far", "expires_at": far}, headers=headers)
    assert made.status_code == 422
    assert client.get("/v5/keys", headers=headers).status_code == 200


def test_days_at_the_ends_of_the_calendar_are_answered_in_words(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}"
    for address in (
        "/audit?to=9999-12-31", "/audit?from=0001-01-01", "/audit/export?to=9999-12-31",
        "/settings/spend?month=0001-01", "/settings/spend?month=9999-12",
    ):  # fmt: skip
        assert client.get(base + address).status_code == 200, address
    assert client.get(f"{base}/audit/export?actor=%00").status_code == 422
    form = {"_csrf": csrf_of(client), "name": "far", "role": "viewer", "expires": "9999-12-31"}
    assert client.post(f"{base}/settings/keys", data=form).status_code == 422
