"""Postgres has no room left, and says so: the answer says it, too, and that nothing was saved."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests import factories
from tests.web import csrf_of, signed_in, with_key

_FULL = """
create function no_room() returns trigger language plpgsql as $$
begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
create trigger no_room before insert on provider execute function no_room()
"""


@pytest.fixture
def full(database: Engine, committed_team: factories.Team) -> Iterator[None]:
    """No provider can be added."""
    with database.begin() as connection:
        connection.exec_driver_sql(_FULL)
    yield
    with database.begin() as connection:
        connection.exec_driver_sql("drop function no_room cascade")


@pytest.mark.usefixtures("full")
def test_a_full_disk_of_the_database_is_said(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    body = {"name": "public", "base_url": "http://127.0.0.1/v1"}
    answer = client.post("/v5/providers", json=body)
    assert answer.status_code == 507
    assert "A disk of the server is full. Nothing was saved." in answer.text
    assert "could not extend" not in answer.text
    signed_in(client, committed_team.admin)
    form = body | {"_csrf": csrf_of(client)}
    page = client.post(f"/w/{committed_team.workspace.slug}/settings/providers", data=form)
    assert page.status_code == 507
    assert "A disk of the server is full. Nothing was saved." in page.text
    assert client.get("/v5/providers").status_code == 200, "and what only reads goes on"
