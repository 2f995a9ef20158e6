"""Following live events while the broker is away, on the loop that web processes run on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest
import uvloop

from app.core import broker, events
from app.core.settings import get_settings
from tests.fault_proxy import FaultProxy, running_proxy


@pytest.fixture
def proxy(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """What stands before the broker, as the settings name it."""
    with running_proxy(redis_url) as proxy:
        monkeypatch.setenv("WHETSTONE_REDIS_URL", proxy.url(redis_url))
        get_settings.cache_clear()
        yield proxy
        monkeypatch.undo()
        get_settings.cache_clear()


def test_a_subscription_outlives_any_number_of_connections_that_are_reset(
    proxy: FaultProxy, redis_url: str
) -> None:
    async def heard() -> dict | None:
        async with aclosing(events.subscribe("channel", heartbeat_s=0.02)) as news:
            tries = 0
            async for message in news:
                if message:
                    return message
                tries += 1
                if tries == 2:
                    proxy.fault = broken
                    proxy.reset()
                elif tries == 100:
                    proxy.fault = whole
                elif tries > 110:
                    say()
        return None

    def say() -> None:
        client = broker.connect()
        client.publish("channel", b'{"run": "r"}')
        client.close()

    whole = proxy.fault
    broken = type(whole)(refuse=True)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(uvloop.run, heard()).result(60) == {"run": "r"}
