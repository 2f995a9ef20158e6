"""Probes: is this process alive, and can the whole answer?"""

import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import events, waiting
from app.core.broker import AWAY
from app.core.database import get_engine
from app.core.permissions import Public
from app.core.settings import get_settings

WORKERS_KEY = "whetstone:workers"
"""A key with an expiry that every worker process renews while it lives."""
router = APIRouter(prefix="/health", dependencies=[Public], include_in_schema=False)


@router.api_route("/live", methods=["GET", "HEAD"])
async def live() -> dict[str, str]:
    """This process answers."""
    return {"status": "ok"}


@router.api_route("/ready", methods=["GET", "HEAD"])
def ready() -> JSONResponse:
    """Whether database, broker, workers and practice provider can be used, each by name; 503 unless all can."""
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
    said = {"status": "ok" if healthy else "degraded", **states, "programs": programs()}
    return JSONResponse(said, 200 if healthy else 503)


def _database() -> str:
    try:
        with waiting.at_most(2), get_engine().connect() as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError as error:
        return f"away: {type(error).__name__}"
    return "ok"


def _broker() -> str:
    try:
        events.broker().ping()
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
    """Whether the workers run people's own programs, and what holds these; why not, where they do not."""
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
