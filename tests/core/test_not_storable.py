"""What Postgres or JSON cannot hold is refused with 422, wherever it comes in, and never a crash."""

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

BODIES = [
    ("/v5/prompts", b'{"path": "a/b", "model": "m\\u0000", "template": []}'),
    ("/v5/datasets", b'{"path": "a/b", "datapoints": [{"inputs": {"q": "a\\u0000b"}}]}'),
    ("/v5/datasets", b'{"path": "a/b", "datapoints": [{"inputs": {"q": "\\ud800"}}]}'),
    ("/v5/datasets", b'{"path": "a/b", "datapoints": [{"inputs": {"q": ' + b"9" * 400 + b"}}]}"),
    ("/v5/prompts", b'{"path": "a/b", "model": "m", "seed": ' + b"9" * 20 + b"}"),
    ("/v5/prompts", b'{"path": "a/b", "model": "m", "attributes": ' + b'{"a":' * 500 + b"1" + b"}" * 501),
    ("/v5/prompts", b'{"path": "a/b", "model": "m", "attributes": {"\\ud800": 1}}'),
    ("/v5/prompts", b'{"path": "a/b", "model": "m", "attributes": {"a": NaN}}'),
    ("/v5/datasets", b'{"path": "a/b", "attributes": {"a": Infinity}}'),
    ("/v5/evaluators", b'{"path": "a/b", "spec": {"kind": "exact", "settings": {"\\ud800": 1}}}'),
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


def test_half_a_surrogate_pair_in_a_form(client: TestClient) -> None:
    """Such a form names an encoding that can write one: UTF-7."""
    body = b'--b\r\ncontent-disposition: form-data; name="email"\r\n\r\nmaya+2AA-@example.com\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b; charset=utf-7"
    answer = client.post("/signin", content=body, headers={"content-type": kind})
    assert answer.status_code == 422, answer.text


def test_an_output_that_cannot_be_stored_is_not_judged(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(
            session, committed_team.admin, "llm_judge", rubric="Is {{log.output}} right?", model="practice-1"
        )
    with_key(client, committed_team.admin)
    answer = client.post(
        f"/v5/evaluators/{judge.file_id}/test",
        content=b'{"log": {"output": "\\ud800"}}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
