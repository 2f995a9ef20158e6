"""Paths name files for people and never reach a file system: 40 spellings of the way out lead nowhere."""

from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import csrf_of, signed_in, with_key

UP = ["../x", "..\\x", "a/../../x", "a/../x", "./x", "a/./x", "..", ".", "...//x", "a//x", "//x", "/etc/passwd", "\\x",
      "C:\\x", "a\\b", "..%00/x\x00", "a\x00b", "a\nb", "a\r\nb", "a\tb", "\x1b[31m", "a\u2028b", "a\u202eb",
      "x" * 5000, "x" * 121, "/".join("x" * 100 for _ in range(6)), "", "/", " ", "\u2024\u2024/\x7f"]  # fmt: skip
LITERAL = ["%2e%2e/x", "%2e%2e%2fx", "%252e%252e/x", "..%2fx", "..%c0%afx", "file:///etc/passwd", "~/x", "$HOME/x",
           "CON", "NUL.txt", "a;rm -rf x", "`id`", "{{7*7}}", "．．/x", "‥/x"]  # fmt: skip


@pytest.fixture(autouse=True)
def _as_admin(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)


def _paths(client: TestClient) -> list[str]:
    return [each["path"] for each in client.get("/v5/files", params={"size": 100}).json()["records"]]


@pytest.mark.parametrize("path", UP + LITERAL)
def test_a_path_is_refused_or_is_only_a_name(
    client: TestClient, committed_team: factories.Team, path: str
) -> None:
    body = {"path": path, "model": "practice-1", "template": []}
    answer = client.post("/v5/prompts", json=body)
    folder = client.post("/v5/directories", json={"path": path})
    assert answer.status_code in (200, 201, 422)
    assert folder.status_code in (200, 201, 409, 422)
    for stored in _paths(client):
        assert stored.isprintable()
        assert not stored.startswith("/")
        assert not {"", ".", ".."} & set(stored.split("/"))
        assert "\\" not in stored
        assert len(stored) <= 500
        found = client.post("/v5/files/retrieve-by-path", json={"path": stored})
        assert found.json()["path"] == stored, "it is found again by what it is called"


@pytest.mark.parametrize("path", LITERAL)
def test_odd_names_are_shown_as_they_are(
    client: TestClient, committed_team: factories.Team, path: str
) -> None:
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}"
    done = client.post(f"{url}/folders", data={"_csrf": csrf_of(client), "path": path})
    if done.status_code == 303:
        assert unquote(done.headers["location"]) == f"{url}/files/{path}", "a percent sign is escaped, too"
    assert "uid=" not in client.get(f"{url}/files").text
    assert ">49<" not in client.get(f"{url}/files").text


@pytest.mark.parametrize("path", [path for path in UP + LITERAL if path.strip("/ ") not in ("", ".")])
def test_addresses_lead_to_no_file_of_the_server(
    client: TestClient, committed_team: factories.Team, path: str
) -> None:
    signed_in(client, committed_team.admin)
    tail = "".join(f"%{byte:02x}" for byte in f"{path}/../../../../pyproject.toml".encode())
    for start in ("/static/", f"/w/{committed_team.workspace.slug}/files/", "/static/../"):
        answer = client.get(start + tail)
        assert answer.status_code in (400, 404, 422)
        assert "[tool.pytest" not in answer.text


@pytest.mark.parametrize(
    "filename", ["../../x.csv", "..\\x.csv", "/etc/x.csv", "a\x00.csv", "x" * 5000 + ".csv"]
)
def test_the_name_of_an_upload_is_no_path(
    client: TestClient, committed_team: factories.Team, filename: str
) -> None:
    with unit_of_work() as session:
        rows = factories.dataset(session, committed_team.admin)
    url = f"/v5/datasets/{rows.file_id}/import"
    answer = client.post(url, files={"file": (filename, b"question,target\na,b\n")})
    assert answer.status_code in (200, 201, 400, 422)
