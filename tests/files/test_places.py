"""A path is a file or a folder, never both; nothing lies in a file; a name is no path."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.files import directories, service
from tests import factories
from tests.web import with_key


def test_a_path_is_one_thing(session: Session) -> None:
    admin = factories.team(session).admin
    file = factories.prompt(session, admin, "a/file").file
    folder = directories.create_directory(session, admin, "a/folder")
    other = factories.prompt(session, admin, "b/other").file
    for attempt in (
        lambda: factories.prompt(session, admin, "a/folder"),
        lambda: factories.dataset(session, admin, 1, "a/file/inside"),
        lambda: service.move_file(session, admin, other, "a/folder"),
        lambda: service.move_file(session, admin, other, "a/file/child"),
        lambda: directories.create_directory(session, admin, "a/file/sub"),
        lambda: directories.move_directory(session, admin, folder, "a/file/sub"),
    ):
        with pytest.raises(Conflict):
            attempt()
    service.move_file(session, admin, file, "a/file/deeper")  # it makes room for its own folder


def test_a_name_with_a_slash_moves_nothing(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    made = client.post("/v5/prompts", json={"path": "a/b", "model": "m"}).json()
    refused = client.patch(f"/v5/prompts/{made['id']}", json={"name": "x/y"})
    assert refused.status_code == 422
    assert "give `path`" in refused.text
    folder = client.post("/v5/directories", json={"path": "c"}).json()
    assert client.patch(f"/v5/directories/{folder['id']}", json={"name": "x/y"}).status_code == 422
    assert client.get(f"/v5/prompts/{made['id']}").json()["path"] == "a/b"
