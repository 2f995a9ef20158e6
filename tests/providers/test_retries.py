"""Calls that are made again, where who makes them counts them."""

import pytest

from app.providers.answers import ProviderError
from app.providers.retries import retry_after_s
from tests.asynchronous import run as run_coroutine
from tests.fault_provider import NO_DATES
from tests.providers.scripted import calling, reply

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("embeds", [False, True])
@pytest.mark.parametrize("busy", [False, True])
def test_a_call_is_made_again_only_where_its_caller_lets_it(busy: bool, embeds: bool) -> None:
    failing = reply(429, {"error": {"message": "slow down"}}) if busy else reply(500, {})
    let = [None, "cap of 2 calls reached"]

    async def again() -> str | None:
        return let.pop(0)

    async def run() -> tuple[ProviderError, int]:
        async with calling(failing) as (client, provider):
            with pytest.raises(ProviderError) as raised:
                await (client.embed("e", ["one"], again) if embeds else client.chat(BODY, again))
            return raised.value, len(provider.asked)

    error, asked = run_coroutine(run())
    assert error.message.endswith("; not tried again: cap of 2 calls reached.")
    assert error.attempts == asked == 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2),
        ("0.5", 0.5),
        ("-3", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        *((header, None) for header in NO_DATES),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds
