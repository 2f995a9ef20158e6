"""Whoever says which version they have seen as the newest writes nothing over one that somebody made since."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.web import with_key

BODIES: dict[str, list[dict[str, Any]]] = {
    "prompts": [{"model": "m", "provider": "practice", "template": str(number)} for number in range(4)],
    "datasets": [{"datapoints": [{"inputs": {"question": str(number)}}]} for number in range(4)],
    "flows": [{"attributes": {"number": number}} for number in range(4)],
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_version_is_made_only_on_the_newest_that_was_seen(
    client: TestClient, committed_team: factories.Team, kind: str
) -> None:
    editor = with_key(client, committed_team.admin)
    first, second, third, last = BODIES[kind]
    url = f"/v5/{kind}"

    def write(body: dict[str, Any], newest: str | None = None) -> Any:
        guard = {"newest_version_id": newest} if newest else {}
        return editor.post(url, json=body | {"path": "guarded"} | guard)

    seen = write(first).json()["version_id"]
    newest = write(second, seen).json()["version_id"]
    refused = write(third, seen)
    assert refused.status_code == 409
    assert "guarded: its newest version is v2 by now. Nothing was written." in refused.text
    assert write(second, seen).status_code == 200, "what is there already is no new version"
    assert write(last, newest).status_code == 200
