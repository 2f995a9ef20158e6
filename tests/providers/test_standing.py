"""How a provider's limits stand, by page and API: what was cut and has grown back, and taking it back."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from redis.asyncio import Redis
from sqlalchemy import select

from app.core import broker, events
from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.providers import repository
from app.providers.limits import Limiter
from app.providers.models import Provider
from app.workspaces.models import AuditEntry
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.web import csrf_of, signed_in, with_key

ACME = {
    "name": "acme",
    "base_url": "https://api.openai.com/v1",
    "requests_per_minute": 1_200,
    "concurrency": 5,
}


@pytest.fixture
def acme(client: TestClient, committed_team: factories.Team) -> str:
    """The id of a provider that may be asked 20 times a second."""
    with_key(client, committed_team.admin)
    return client.post("/v5/providers", json=ACME).json()["id"]


async def _refused(redis_url: str, provider_id: str, times: int) -> None:
    async with Redis.from_url(redis_url) as redis:
        limiter = Limiter(redis, provider_id, requests_per_minute=ACME["requests_per_minute"])
        for turn in range(times):
            if turn:
                await asyncio.sleep(1.05)  # it is cut once a second
            await limiter.acquire()
            await limiter.slow_down()


async def _second_call_s(redis_url: str, provider_id: str) -> float:
    """How long two more calls wait, of a process that has called nothing yet."""
    async with Redis.from_url(redis_url) as redis:
        limiter = Limiter(redis, provider_id, requests_per_minute=ACME["requests_per_minute"])
        started = time.monotonic()
        await limiter.acquire()
        await limiter.acquire()
        return time.monotonic() - started


def _restored(team: factories.Team) -> list[AuditEntry]:
    query = select(AuditEntry).where(
        AuditEntry.workspace_id == team.workspace.id, AuditEntry.action == "provider.rate_restored"
    )
    with unit_of_work() as session:
        return list(session.scalars(query))


def test_nothing_is_cut_until_it_says_429(client: TestClient, acme: str) -> None:
    found = client.get(f"/v5/providers/{acme}/limits").json()
    assert found | {"known": True, "cut": None, "in_flight": 0, "deadline_s": 120} == found
    assert (found["requests_per_minute"], found["concurrency"]) == (1_200, 5)
    assert found["most_in_flight"] == 6, "three for each of two slots"


def test_what_was_cut_is_told_and_grows_back(client: TestClient, acme: str, redis_url: str) -> None:
    run_coroutine(_refused(redis_url, acme, 2))
    cut = client.get(f"/v5/providers/{acme}/limits").json()["cut"]
    assert cut["times"] == 2
    assert cut["since"] < cut["last"]
    assert 0.2 <= cut["cut_to"] <= cut["requests_per_second"] < 2, (
        "one call a second was what was really made"
    )
    assert 30 < cut["back_in_s"] < 100, "from about one to twenty, by 5 % a second"
    time.sleep(1)
    later = client.get(f"/v5/providers/{acme}/limits").json()["cut"]
    assert later["requests_per_second"] > cut["requests_per_second"] * 1.04
    assert later["back_in_s"] < cut["back_in_s"] - 0.9
    assert later["times"] == 2


def test_an_admin_takes_the_cut_back_and_it_is_written_down(
    client: TestClient, acme: str, committed_team: factories.Team, redis_url: str
) -> None:
    run_coroutine(_refused(redis_url, acme, 3))
    assert run_coroutine(_second_call_s(redis_url, acme)) > 0.7, "it is slow"
    answer = client.post(f"/v5/providers/{acme}/limits/restore").json()
    assert answer["cut"] is None
    assert run_coroutine(_second_call_s(redis_url, acme)) < 0.5, "at once, also for who was to wait"
    entry, *more = _restored(committed_team)
    assert not more
    assert (entry.subject_id, entry.detail["name"], entry.detail["cuts"]) == (acme, "acme", 3)

    client.post(f"/v5/providers/{acme}/limits/restore").raise_for_status()
    assert len(_restored(committed_team)) == 1, "there was nothing to take back"


def test_a_new_cut_begins_to_count_anew(client: TestClient, acme: str, redis_url: str) -> None:
    run_coroutine(_refused(redis_url, acme, 2))
    client.post(f"/v5/providers/{acme}/limits/restore").raise_for_status()
    run_coroutine(_refused(redis_url, acme, 1))
    assert client.get(f"/v5/providers/{acme}/limits").json()["cut"]["times"] == 1


def test_the_page_shows_it_and_has_the_button(
    client: TestClient, acme: str, committed_team: factories.Team, redis_url: str
) -> None:
    run_coroutine(_refused(redis_url, acme, 1))
    signed_in(client, committed_team.admin)
    del client.headers["x-api-key"]
    address = f"/w/{committed_team.workspace.slug}/settings/limits"
    page = client.get(address).text
    assert "acme is called more slowly than it may be" in page
    assert "WHETSTONE_WORKER_SLOTS" in page
    done = client.post(f"{address}/{acme}/restore", data={"_csrf": csrf_of(client)})
    assert (done.status_code, done.headers["location"]) == (303, address)
    assert "No provider is slowed down" in client.get(address).text
    assert len(_restored(committed_team)) == 1


def _forget_broker() -> None:
    for cached in (get_settings, events.broker, broker.outage):
        cached.cache_clear()


@pytest.fixture
def broker_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The setting leads to a port where nobody listens."""
    with monkeypatch.context() as changed:
        changed.setenv("WHETSTONE_REDIS_URL", "redis://127.0.0.1:9/0")
        _forget_broker()
        yield
    _forget_broker()


@pytest.mark.usefixtures("acme")
def test_with_valkey_away_it_says_so(
    request: pytest.FixtureRequest, client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        acme = repository.find_provider(session, committed_team.workspace.id, "acme")
        assert isinstance(acme, Provider)
    key = client.headers.pop("x-api-key")
    signed_in(client, committed_team.admin)
    request.getfixturevalue("broker_away")
    address = f"/w/{committed_team.workspace.slug}/settings/limits"
    page = client.get(address)
    assert page.status_code == 200
    assert "Valkey does not answer" in page.text
    assert "1,200 requests a minute" in page.text, "what is set is in the database"
    refused = client.post(f"{address}/{acme.id}/restore", data={"_csrf": csrf_of(client)})
    assert refused.status_code == 503
    assert "Try again" in refused.text

    headers = {"x-api-key": key}
    found = client.get(f"/v5/providers/{acme.id}/limits", headers=headers).json()
    assert (found["known"], found["cut"], found["in_flight"]) == (False, None, None)
    assert client.post(f"/v5/providers/{acme.id}/limits/restore", headers=headers).status_code == 503
    assert not _restored(committed_team)
