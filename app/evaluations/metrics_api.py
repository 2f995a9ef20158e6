"""The door of Prometheus: the state of the whole server, for whoever has the token."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import events, metrics
from app.core.database import unit_of_work
from app.core.errors import NotFound, Unauthenticated
from app.core.health import workers_alive
from app.core.metrics import Number
from app.core.permissions import Public
from app.core.security import same
from app.core.settings import get_settings
from app.evaluations import state_repository

router = APIRouter(dependencies=[Public], include_in_schema=False)
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_QUEUE = "celery"
"""The list that the broker keeps messages in: Celery's own name for its default queue."""
GAUGES = {
    "whetstone_database_up": "1 where the database answers; without it the numbers that it has are missing.",
    "whetstone_broker_up": "1 where Valkey answers; without it the numbers that it has are missing.",
    "whetstone_workers": "Worker processes that reported in the last ten seconds.",
    "whetstone_queue_messages": "Messages that wait for a worker, or were taken and are not acknowledged.",
    "whetstone_shards": "Parts of unfinished runs, by state (queued, running).",
    "whetstone_leases_expired": "Running parts whose worker has not renewed in time: the reaper takes them back.",
    "whetstone_oldest_queued_seconds": "How long the oldest queued part has waited since it was last sent.",
    "whetstone_runs": "Unfinished runs, by state (pending, running).",
    "whetstone_items": "Rows of unfinished runs, by state (pending, done, failed).",
    "whetstone_reaper_last_pass_timestamp_seconds": "When a reaper last looked, in seconds since 1970.",
    "whetstone_logs_estimate": "Stored logs, as Postgres estimates them.",
    "whetstone_database_bytes": "Size of the database on disk.",
    "whetstone_database_connections": "Connections to the database, of everybody.",
}
_OF_STATE: dict[str, Number] = {
    "shards_queued": ("whetstone_shards", (("state", "queued"),)),
    "shards_running": ("whetstone_shards", (("state", "running"),)),
    "leases_expired": ("whetstone_leases_expired", ()),
    "oldest_queued": ("whetstone_oldest_queued_seconds", ()),
    "runs_pending": ("whetstone_runs", (("state", "pending"),)),
    "runs_running": ("whetstone_runs", (("state", "running"),)),
    "items_pending": ("whetstone_items", (("state", "pending"),)),
    "items_done": ("whetstone_items", (("state", "done"),)),
    "items_failed": ("whetstone_items", (("state", "failed"),)),
    "logs": ("whetstone_logs_estimate", ()),
    "database_bytes": ("whetstone_database_bytes", ()),
    "connections": ("whetstone_database_connections", ()),
}


@router.get("/metrics")
def scrape(authorization: Annotated[str, Header()] = "") -> Response:
    """The metrics of all processes, whichever one answers. Not there without a token in the settings.

    Being on this machine proves nothing: behind a proxy, everybody is.

    Raises:
        NotFound: no token is set.
        Unauthenticated: it is not the one that came.
    """
    token = get_settings().metrics_token.get_secret_value()
    if not token:
        raise NotFound("Nothing is here: WHETSTONE_METRICS_TOKEN is not set.")
    if not same(authorization, f"Bearer {token}"):
        raise Unauthenticated("Send the metrics token: Authorization: Bearer …")
    numbers = _of_database() | _of_broker()
    return Response(metrics.exposition(GAUGES, numbers), media_type=_TEXT)


def _of_database() -> dict[Number, float]:
    try:
        with unit_of_work() as session:
            found = state_repository.state(session)
    except SQLAlchemyError:
        return {("whetstone_database_up", ()): 0}
    return {("whetstone_database_up", ()): 1} | {_OF_STATE[name]: value for name, value in found.items()}


def _of_broker() -> dict[Number, float]:
    try:
        broker = events.broker()
        waiting = float(broker.llen(_QUEUE)) + float(broker.hlen("unacked"))
        workers = workers_alive()
        numbers = metrics.counted()
        last = metrics.marks().get("reaper")
    except (RedisError, OSError):
        return {("whetstone_broker_up", ()): 0}
    numbers |= {
        ("whetstone_broker_up", ()): 1,
        ("whetstone_queue_messages", ()): waiting,
        ("whetstone_workers", ()): workers,
    }
    return numbers | ({("whetstone_reaper_last_pass_timestamp_seconds", ()): last} if last else {})
