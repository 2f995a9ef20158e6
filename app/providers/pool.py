"""Clients of models that the calls of one event loop share: a call need not open connections of its own.

A client is made anew when its provider's settings change; the old one is closed once the last call with it has ended.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from redis.asyncio import Redis

from app.core.broker import connect_async
from app.providers.client import Endpoint, ModelClient, limited_client

CALLER_PATIENCE_S = 30.0
"""How long a call is tried again while the provider says that it is busy: somebody waits for the answer, and clients
give up after a minute."""
_MOST = 64
_CONNECTIONS = 200


@dataclass(slots=True)
class _Shared:
    client: ModelClient
    calls: int = 0
    """That use it now."""
    retired: bool = False


class ClientPool:
    """The clients of one event loop, at most 64: the one that was used longest ago goes first."""

    def __init__(self) -> None:
        self.redis: Redis = connect_async()
        """For whatever else a call asks Valkey."""
        self._clients: OrderedDict[str, _Shared] = OrderedDict()

    @asynccontextmanager
    async def client(self, endpoint: Endpoint, *, shared: bool = True) -> AsyncIterator[ModelClient]:
        """A client of `endpoint`, for one call. One that is not shared is closed with it, and forgets its key."""
        held, gone = self._take(endpoint) if shared else (_Shared(self._new(endpoint), retired=True), [])
        held.calls += 1
        try:
            for each in gone:
                each.retired = True
                await _close_unused(each)
            yield held.client
        finally:
            held.calls -= 1
            await _close_unused(held)

    def _new(self, endpoint: Endpoint) -> ModelClient:
        return limited_client(self.redis, endpoint, connections=_CONNECTIONS, patience_s=CALLER_PATIENCE_S)

    def _take(self, endpoint: Endpoint) -> tuple[_Shared, list[_Shared]]:
        """The client of `endpoint`, and those that are to go."""
        gone = []
        held = self._clients.pop(endpoint.provider_id, None)
        if held is None or held.client.endpoint != endpoint:
            gone += [held] if held else []
            held = _Shared(self._new(endpoint))
        self._clients[endpoint.provider_id] = held
        while len(self._clients) > _MOST:
            gone.append(self._clients.popitem(last=False)[1])
        return held, gone

    async def aclose(self) -> None:
        """Close everything. Calls that are under way fail."""
        while self._clients:
            await self._clients.popitem()[1].client.aclose()
        await self.redis.aclose()


async def _close_unused(held: _Shared) -> None:
    if held.retired and not held.calls:
        await held.client.aclose()


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, ClientPool] = WeakKeyDictionary()


def pool() -> ClientPool:
    """The pool of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _pools:
        _pools[loop] = ClientPool()
    return _pools[loop]


async def close_pool() -> None:
    """Close what the running event loop has. For when its process ends."""
    if found := _pools.pop(asyncio.get_running_loop(), None):
        await found.aclose()
