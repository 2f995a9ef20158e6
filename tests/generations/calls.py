"""The call that tests of `POST /v5/prompts/call` make unless they say otherwise."""

from typing import Any

from fastapi.testclient import TestClient

CALL_URL = "/v5/prompts/call"
STYLE = {"path": "geo/capital", "inputs": {"style": "prose"}}
"""Of the prompt that the fixture `caller` makes."""


def called(client: TestClient, **body: Any) -> dict[str, Any]:
    """What the call came to, which was answered; `body` says more than it usually says."""
    query = {name: body.pop(name) for name in ("version_id",) if name in body}
    answer = client.post(CALL_URL, json=STYLE | body, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def log_of(client: TestClient, log_id: str) -> dict[str, Any]:
    """A log as the API shows it."""
    answer = client.get(f"/v5/logs/{log_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()
