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
