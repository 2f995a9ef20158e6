"""Loading what is needed later while nobody waits for it."""

import threading
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

_PROBES = "/health/"


class Beforehand:
    """Calls `load` in a thread of its own as soon as a first request was answered: neither the start of the process nor
    its first page is slower for it. Probes do not count, so that nothing is loaded while somebody waits for that page."""

    def __init__(self, app: ASGIApp, load: Callable[[], object]) -> None:
        self._app = app
        self._load: Callable[[], object] | None = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and load if this was the first answer."""
        await self._app(scope, receive, send)
        if self._load and scope["type"] == "http" and not scope["path"].startswith(_PROBES):
            load, self._load = self._load, None
            threading.Thread(target=load, name="beforehand", daemon=True).start()
