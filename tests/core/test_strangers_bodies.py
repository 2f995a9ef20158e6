"""Whoever has no valid key hears that first, whatever their body is like; then, with one, what is wrong with the body."""

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.web import with_key

JSON = {"content-type": "application/json"}
BODIES = {
    "no JSON": (b"nope", JSON, 422),
    "NUL": (b'{"path": "a\\u0000"}', JSON, 422),
    "too large": (b" " * (11 << 20), JSON, 413),
    "packed": (b"{}", JSON | {"content-encoding": "gzip"}, 415),
}
DOORS = (
    ("POST", "/v5/prompts"),
    ("POST", "/v5/prompts/call"),
    ("POST", "/v5/prompts/log"),
    ("POST", "/v5/logs/batch"),
    ("PATCH", "/v5/prompts/pr_none"),
    ("POST", "/v5/evaluations"),
)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(("method", "address"), DOORS)
def test_a_stranger_hears_401_before_what_is_wrong(
    client: TestClient, committed_team: factories.Team, method: str, address: str, name: str
) -> None:
    content, headers, status = BODIES[name]

    def ask(**more: str) -> int:
        return client.request(method, address, content=content, headers=headers | more).status_code

    assert (ask(), ask(**{"x-api-key": "wht_of_nobody"})) == (401, 401)
    with_key(client, committed_team.admin)
    assert ask() == status


def test_a_body_that_grows_too_large_while_it_streams_is_as_well(
    client: TestClient, committed_team: factories.Team
) -> None:
    def parts() -> object:
        for _ in range(11):
            yield b" " * (1 << 20)

    def ask() -> int:
        return client.post("/v5/prompts", content=parts(), headers={"content-type": "text/plain"}).status_code  # type: ignore[arg-type]

    assert ask() == 401
    with_key(client, committed_team.admin)
    assert ask() == 413
