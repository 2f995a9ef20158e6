"""How many calls of runs are in flight, told by each worker process once a second and added up in Valkey."""

from collections import Counter
from collections.abc import Mapping
from typing import cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

_KEY = "whetstone:in-flight"
_TOLD_S = 4
"""A process that says nothing more is not believed for longer: it was killed, and its calls with it."""


async def tell(redis: AsyncRedis, process: str, calls: Mapping[str, int]) -> None:
    """Say how many calls `process` has in flight, by provider id.

    Raises:
        RedisError, OSError: Valkey is away.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for provider_id, count in calls.items():
            pipeline.set(f"{_KEY}:{provider_id}:{process}", count, ex=_TOLD_S)
        await pipeline.execute()


def told(redis: Redis) -> Counter[str]:
    """The calls in flight by provider id, as the processes told in the last seconds.

    Raises:
        RedisError, OSError: Valkey is away.
    """
    keys = [key.decode() for key in redis.scan_iter(f"{_KEY}:*", count=1000)]
    if not keys:
        return Counter()
    counts = cast("list[bytes | None]", redis.mget(keys))
    found: Counter[str] = Counter()
    for key, count in zip(keys, counts, strict=True):
        found[key.split(":")[2]] += int(count or 0)
    return found
