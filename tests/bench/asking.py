"""Many requests at once from one process, and how long each of them took."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson


@dataclass(frozen=True)
class Times:
    """Seconds of each call, sorted."""

    took_s: list[float]

    def ms(self, share: float) -> float:
        """Milliseconds that this share of calls stayed below."""
        return self.took_s[min(len(self.took_s) - 1, int(share * len(self.took_s)))] * 1000


async def ask(
    url: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    calls: int,
    in_flight: int,
    *,
    begin_within_s: float = 0,
) -> Times:
    """`calls` equal requests by POST, as `ask_each`. All must be answered 200."""
    sent = orjson.dumps(body)
    every = ((("POST", url, sent)) for _ in range(calls))
    return await ask_each(every, headers, in_flight, begin_within_s=begin_within_s)


async def ask_each(
    requests: Iterable[tuple[str, str, bytes | None]],
    headers: Mapping[str, str],
    in_flight: int,
    *,
    begin_within_s: float = 0,
) -> Times:
    """Requests by method, address and JSON body, `in_flight` of them at once, each of which is followed by the next as soon
    as it is answered. The first ones begin evenly within `begin_within_s`, or all at once. All must be answered 200."""
    left, took = iter(requests), []
    with_type = {"content-type": "application/json", **headers}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=in_flight), headers=with_type
    ) as session:

        async def one_after_another(number: int) -> None:
            await asyncio.sleep(begin_within_s * number / in_flight)
            for method, url, body in left:
                began = time.perf_counter()
                async with session.request(method, url, data=body) as answer:
                    said = await answer.read()
                    assert answer.status == 200, said
                took.append(time.perf_counter() - began)

        await asyncio.gather(*(one_after_another(number) for number in range(in_flight)))
    return Times(sorted(took))


def show(name: str, times: Times) -> None:
    print(
        f"{name:12} "
        + ", ".join(f"p{share * 100:.0f} {times.ms(share):8.1f} ms" for share in (0.5, 0.95, 0.99))
    )
