"""Probes: is this process alive, and can the whole answer?"""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from redis.exceptions import ResponseError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import events, waiting
from app.core.broker import AWAY
from app.core.database import get_engine
from app.core.permissions import Public
from app.core.settings import get_settings
from app.sandbox import selftest

WORKERS_KEY = "whetstone:workers"
REAPERS_KEY = "whetstone:reapers"
"""Of each machine whose reaper looked lately."""
REAPER_ALIVE_S = 60
"""A reaper looks every two seconds; one that has not for so long hangs."""
"""A key with an expiry that every worker process renews while it lives."""
KEPT_S = 1.0
_PROBE_KEY = "whetstone:probe"
router = APIRouter(prefix="/health", dependencies=[Public], include_in_schema=False)


@router.api_route("/live", methods=["GET", "HEAD"])
async def live() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@router.api_route("/ready", methods=["GET", "HEAD"])
def ready() -> JSONResponse:
    """Whether database, broker, workers and practice provider can be used, each by name; 503 unless all can."""
    healthy, said = _kept.states()
    return JSONResponse(said, 200 if healthy else 503)


class _Kept:
    """What was found last. Anybody may ask, so that asking often must not make work: this process looks once a second,
    and who asks while it looks is told what it found before."""

    def __init__(self) -> None:
        self._looking = threading.Lock()
        self._found: tuple[bool, dict[str, str]] | None = None
        self._until = 0.0

    def states(self) -> tuple[bool, dict[str, str]]:
        """Whether all is well, and what is said of each part."""
        found = self._found
        if found and time.monotonic() < self._until:
            return found
        if not self._looking.acquire(blocking=found is None):
            return cast("tuple[bool, dict[str, str]]", found)
        try:
            if self._found is None or time.monotonic() >= self._until:  # nobody else has looked meanwhile
                self._found = _look()
                self._until = time.monotonic() + KEPT_S
            return self._found
        finally:
            self._looking.release()


_kept = _Kept()


def _look() -> tuple[bool, dict[str, str]]:
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "broker": _broker,
        "workers": _workers,
        "practice": _practice,
    }
    with ThreadPoolExecutor(len(checks)) as pool:
        states = dict(zip(checks, pool.map(lambda check: check(), checks.values()), strict=True))
    healthy = all(state.startswith("ok") for state in states.values())
    # A machine that cannot hold people's programs does all else: it is ready.
    return healthy, {"status": "ok" if healthy else "degraded", **states, "programs": programs()}


def _database() -> str:
    try:
        with waiting.at_most(2), get_engine().connect() as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError as error:
        return f"away: {type(error).__name__}"
    return "ok"


def _broker() -> str:
    """It takes a write: one whose memory or disk is full, or that only copies another, still answers a ping."""
    try:
        events.broker().set(_PROBE_KEY, b"1", ex=60)
    except ResponseError as error:
        return f"takes no writes: {type(error).__name__}"
    except AWAY as error:
        return f"away: {type(error).__name__}"
    return "ok"


def workers_alive() -> int:
    """How many worker processes reported in the last ten seconds.

    Raises:
        RedisError, OSError: the broker is away.
    """
    return sum(1 for _ in events.broker().scan_iter(f"{WORKERS_KEY}:*", count=1000))


def programs() -> str:
    """Whether the workers run people's own programs, and what holds these; why not, where they or this process do not."""
    if failed := selftest.failed_here():
        return f"off: in a web process, {failed}"
    try:
        keys = list(events.broker().scan_iter(f"{WORKERS_KEY}:*", count=1000))
        found = cast("list[bytes | None]", events.broker().mget(keys)) if keys else []
    except AWAY:
        return "unknown: the broker is away"
    said = [value.decode().split("\n", 1) for value in found if value]
    for engine, explanation in said:
        if explanation and not engine:
            return f"off: {explanation}"
    for engine, explanation in said:
        if engine:
            return f"ok: {engine}, held by {explanation}"
    return "unknown: no worker has looked yet"


def _workers() -> str:
    try:
        alive = workers_alive()
    except AWAY:
        return "unknown: the broker is away"
    return f"ok: {alive}" if alive else "away: no worker has reported in the last seconds"


def _practice() -> str:
    url = get_settings().practice_url.removesuffix("/practice/v1") + "/health/live"
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the server's own setting
            return "ok"
    except (urllib.error.URLError, OSError) as error:
        return f"away: {type(error).__name__}"
