"""How long a call of a provider may take: by the API, by the form, and as it is called."""

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.providers import service
from app.providers.client import Endpoint, ModelClient
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.web import csrf_of, signed_in, with_key

USUAL_S, IDLE_S = 120, 30
"""What reliability promises where nothing is set: written down here, so that no constant is compared with itself."""
ACME = {"name": "acme", "base_url": "https://api.openai.com/v1"}


def _called_with(team: factories.Team) -> float:
    with unit_of_work() as session:
        return service.endpoint_of(service.get_provider(session, team.admin, "acme")).deadline_s


def test_it_is_set_and_taken_away_by_the_api(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    made = client.post("/v5/providers", json=ACME).json()
    assert (made["deadline_s"], _called_with(committed_team)) == (None, USUAL_S)
    address = f"/v5/providers/{made['id']}"

    assert client.patch(address, json={"deadline_s": 600}).json()["deadline_s"] == 600
    assert _called_with(committed_team) == 600
    assert client.patch(address, json={"name": "acme"}).json()["deadline_s"] == 600
    for wrong in (0, 601, -1, 1.5, "x"):
        assert client.patch(address, json={"deadline_s": wrong}).status_code == 422
    assert client.patch(address, json={"deadline_s": None}).json()["deadline_s"] is None


@pytest.mark.parametrize(
    ("typed", "status"), [("1", 303), ("600", 303), ("0", 422), ("601", 422), ("2 min", 422)]
)
def test_it_is_set_by_the_form(
    client: TestClient, committed_team: factories.Team, typed: str, status: int
) -> None:
    signed_in(client, committed_team.admin)
    address = f"/w/{committed_team.workspace.slug}/settings/providers"
    answer = client.post(address, data={**ACME, "deadline_s": typed, "_csrf": csrf_of(client)})

    assert answer.status_code == status
    if status == 303:
        assert _called_with(committed_team) == int(typed)
        assert f"{typed} s a call" in client.get(address).text
    else:
        assert "whole number" in answer.text
        assert f'value="{typed}"' in answer.text


def test_a_call_takes_two_minutes_at_most_and_a_stream_is_silent_for_half_a_minute() -> None:
    async def read() -> tuple[float, httpx2.Timeout]:
        client = ModelClient(Endpoint("p", "acme", "https://api.openai.com/v1", "key"))
        try:
            return client.endpoint.deadline_s, client._http.timeout
        finally:
            await client.aclose()

    deadline_s, waits = run_coroutine(read())
    assert deadline_s == USUAL_S
    assert (waits.read, waits.write) == (IDLE_S, IDLE_S)
