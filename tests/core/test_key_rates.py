"""How often one key may ask: counted for each by itself, over all processes, and not at all while Valkey is away."""

import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from app.core import key_rates, metrics
from app.core.broker import connect
from app.core.database import unit_of_work
from app.core.key_rates import KeyRates
from app.core.settings import get_settings
from tests import factories
from tests.fault_proxy import running_proxy

Limit = Callable[..., None]


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Limit]:
    """Sets the limit of this process, and what else is given."""

    def forget() -> None:
        get_settings.cache_clear()
        key_rates.rates.cache_clear()

    def set_limit(per_minute: int, **more: str) -> None:
        monkeypatch.setenv("WHETSTONE_KEY_REQUESTS_PER_MINUTE", str(per_minute))
        for name, value in more.items():
            monkeypatch.setenv(f"WHETSTONE_{name.upper()}", value)
        forget()

    yield set_limit
    monkeypatch.undo()
    forget()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect() as redis:
        yield redis


def _counted() -> float:
    metrics.flush()
    return metrics.counted().get(("whetstone_requests_refused_total", (("reason", "key_rate"),)), 0)


def _key(team: factories.Team) -> dict[str, str]:
    with unit_of_work() as session:
        return {"x-api-key": factories.key(session, team.admin)}


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    client: TestClient, committed_team: factories.Team, limit: Limit
) -> None:
    limit(3)
    key = _key(committed_team)
    assert [client.get("/v5/environments", headers=key).status_code for _ in range(3)] == [200] * 3
    before = _counted()
    refused = client.get("/v5/environments", headers=key)
    assert refused.status_code == 429
    assert _counted() == before + 1
    assert 18 <= int(refused.headers["retry-after"]) <= 20, "a third of a minute"
    assert refused.json()["detail"].startswith("This key asked more than 3 times a minute.")


def test_two_keys_do_not_share(client: TestClient, committed_team: factories.Team, limit: Limit) -> None:
    limit(2)
    one, other = _key(committed_team), _key(committed_team)
    assert [client.get("/v5/environments", headers=one).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/v5/environments", headers=other).status_code == 200


def test_pages_and_probes_are_not_counted(
    client: TestClient, committed_team: factories.Team, limit: Limit
) -> None:
    limit(1)
    key = _key(committed_team)
    assert {client.get("/health/live", headers=key).status_code for _ in range(3)} == {200}
    assert {client.get("/docs", headers=key).status_code for _ in range(3)} == {200}
    assert client.get("/v5/environments", headers=key).status_code == 200


def test_after_a_while_it_may_ask_again(
    client: TestClient, committed_team: factories.Team, limit: Limit
) -> None:
    limit(60)
    key = _key(committed_team)
    while (answer := client.get("/v5/environments", headers=key)).status_code == 200:
        pass
    assert answer.headers["retry-after"] == "1"
    time.sleep(1)
    assert client.get("/v5/environments", headers=key).status_code == 200


def test_spans_wait_instead_of_being_refused(
    client: TestClient, committed_team: factories.Team, limit: Limit
) -> None:
    limit(60)
    key = _key(committed_team)
    while client.get("/v5/environments", headers=key).status_code == 200:
        pass
    spans = client.post("/v5/import/otel/v1/traces", json={"resourceSpans": []}, headers=key)
    assert spans.status_code == 200


def test_spans_do_not_wait_for_ever(client: TestClient, committed_team: factories.Team, limit: Limit) -> None:
    limit(2)
    key = _key(committed_team)
    for _ in range(2):
        client.get("/v5/environments", headers=key)
    spans = client.post("/v5/import/otel/v1/traces", json={"resourceSpans": []}, headers=key)
    assert spans.status_code == 429, "there is no permit for half a minute, and it waits 20 s at most"
    assert int(spans.headers["retry-after"]) > 20


def test_without_valkey_there_is_no_limit(
    client: TestClient, committed_team: factories.Team, limit: Limit
) -> None:
    limit(1, redis_url="redis://127.0.0.1:9")
    key = _key(committed_team)
    assert {client.get("/v5/environments", headers=key).status_code for _ in range(5)} == {200}


def test_a_valkey_that_is_silent_holds_nobody_up(
    client: TestClient, committed_team: factories.Team, limit: Limit, redis_url: str
) -> None:
    with running_proxy(redis_url) as proxy:
        limit(1, redis_url=proxy.url(redis_url))
        key = _key(committed_team)
        with proxy.failing(black_hole=True):
            began = time.monotonic()
            assert {client.get("/v5/environments", headers=key).status_code for _ in range(5)} == {200}
            assert time.monotonic() - began < 5


def test_zero_is_no_limit(client: TestClient, committed_team: factories.Team, limit: Limit) -> None:
    limit(0)
    key = _key(committed_team)
    assert {client.get("/v5/environments", headers=key).status_code for _ in range(5)} == {200}


def _ask(rates: KeyRates, name: str) -> bool:
    return rates.at_hand(name) or rates.take(name) == 0


def test_processes_share_one_limit(redis: Redis) -> None:
    processes = [KeyRates(redis, 1_200) for _ in range(3)]
    began = time.monotonic()
    let_through = sum(_ask(processes[n % 3], "shared") for n in range(1_500))
    grown = 1_200 / 60 * (time.monotonic() - began)
    assert 1_200 <= let_through <= 1_200 + grown + 1


def test_most_requests_ask_nobody(redis: Redis) -> None:
    rates = KeyRates(redis, 300_000)
    at_hand = 0
    for _ in range(5_000):
        at_hand += (known := rates.at_hand("busy"))
        assert known or rates.take("busy") == 0
    assert at_hand == 5_000 - 5_000 / 500


def test_a_full_bucket_is_forgotten(redis: Redis) -> None:
    assert _ask(KeyRates(redis, 60_000), "rare")
    assert 1_000 <= redis.pttl("whetstone:key:rare") <= 1_200
