"""What Postgres or JSON cannot hold is refused with 422, wherever it comes in, and never a crash."""

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.web import with_key

BODIES = [
    ("/v5/prompts", b'{"path": "a/b", "model": "m\\u0000", "template": []}'),
    ("/v5/datasets", b'{"path": "a/b", "datapoints": [{"inputs": {"q": "a\\u0000b"}}]}'),
    ("/v5/datasets", b'{"path": "a/b", "datapoints": [{"inputs": {"q": "\\ud800"}}]}'),
    ("/v5/datasets", b'{"path": "a/b", "datapoints": [{"inputs": {"q": ' + b"9" * 400 + b"}}]}"),
    ("/v5/files/retrieve-by-path", b'{"path": "\\u0000"}'),
    ("/v5/keys", b'{"name": "\\u0000", "role": "viewer"}'),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_bodies(client: TestClient, committed_team: factories.Team, path: str, body: bytes) -> None:
    with_key(client, committed_team.admin)
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("path", ["/v5/prompts?name=%00", "/v5/prompts/%00", "/v5/logs?file_id=%00"])
def test_addresses(client: TestClient, committed_team: factories.Team, path: str) -> None:
    with_key(client, committed_team.admin)
    assert client.get(path).status_code == 422
