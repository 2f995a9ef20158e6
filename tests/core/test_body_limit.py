"""A body over its limit is answered with 413, whether its size was said or came out while it streamed."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.core.settings import get_settings
from tests import factories
from tests.web import signed_in, with_key


def _too_much() -> bytes:
    size = get_settings().body_limit_mib * 1024 * 1024
    return b'{"path": "a/b", "model": "m", "readme": "' + b"x" * size + b'"}'


def _in_pieces() -> Iterator[bytes]:
    body = _too_much()
    for start in range(0, len(body), 1 << 20):
        yield body[start : start + (1 << 20)]


@pytest.mark.parametrize("content", [_too_much, _in_pieces])
@pytest.mark.parametrize("path", ["/v5/prompts", "/v5/evaluations"])
def test_the_api_says_413(client: TestClient, committed_team: factories.Team, path: str, content) -> None:
    with_key(client, committed_team.admin)
    answer = client.post(path, content=content(), headers={"content-type": "application/json"})
    assert answer.status_code == 413, answer.text[:300]
    assert "smaller parts" in answer.json()["detail"]
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("content", [_too_much, _in_pieces])
def test_a_page_says_413(client: TestClient, committed_team: factories.Team, content) -> None:
    signed_in(client, committed_team.admin)
    answer = client.post(
        f"/w/{committed_team.workspace.slug}/prompts/new/edit",
        content=content(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert "smaller parts" in answer.text


def test_a_broken_body_below_the_limit_is_no_413(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    answer = client.post("/v5/prompts", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)


def _large_file() -> Iterator[bytes]:
    for _ in range(get_settings().body_limit_mib + 2):
        yield b"x" * (1 << 20)


def test_a_file_is_taken_from_people_who_are_known_only(
    client: TestClient, committed_team: factories.Team
) -> None:
    """A stranger's would lie on the disk, whole, before anybody asked who they are."""
    page = f"/w/{committed_team.workspace.slug}/datasets/new"
    form = {"content-type": "multipart/form-data; boundary=b"}
    assert client.post(page, content=_large_file(), headers=form).status_code == 413
    signed_in(client, committed_team.admin)
    assert client.post(page, content=_large_file(), headers=form).status_code != 413

    import_ = "/v5/datasets/ds_none/import"
    assert client.post(import_, content=_large_file(), headers={"x-api-key": "whet_x"}).status_code in (
        401,
        413,
    )
    with_key(client, committed_team.admin)
    assert client.post(import_, content=_large_file()).status_code == 404


@pytest.mark.parametrize("path", ["/v5/prompts/import", "/v5/datasets/import", "/v5/directories/import"])
def test_only_what_takes_files_takes_more(
    client: TestClient, committed_team: factories.Team, path: str
) -> None:
    with_key(client, committed_team.admin)
    answer = client.patch(path, content=_too_much(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    deep = b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = client.patch(path, content=deep, headers={"content-type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("key", [None, "whet_of_nobody"])
def test_a_strangers_large_body_is_not_parsed(
    client: TestClient, committed_team: factories.Team, key: str | None
) -> None:
    """What is wrong with it is said to those who are known."""
    broken = b'{"path": "' + b"x" * (1 << 20)
    headers = {"content-type": "application/json"} | ({"x-api-key": key} if key else {})
    assert client.post("/v5/prompts", content=broken, headers=headers).status_code == 401
    with_key(client, committed_team.admin)
    answer = client.post("/v5/prompts", content=broken, headers={"content-type": "application/json"})
    assert answer.status_code == 422
