"""Jobs for the workers: remembered on the session, sent after its commit.

A job carries ids only, and in its headers that of the request which asked for it. The row that it is about is the truth: a job that gets lost is sent again by the reaper.
"""

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.orm import Session

from app.core import metrics
from app.core.broker import ANSWER_S, AWAY, CONNECT_S, outage
from app.core.logging import current_request_id
from app.core.settings import get_settings

if TYPE_CHECKING:
    from celery import Celery

REQUEST_ID = "whetstone_request_id"
"""The header of a job that names its request."""
_KEY = "jobs"
log = structlog.get_logger()
_importing = Lock()


@lru_cache
def producer() -> "Celery":
    """The Celery app that only sends. It gives up after a second or two: the reaper sends again."""
    # Celery puts another module in its place while it is imported; a second thread was seen to find it half done.
    with _importing:
        from celery import Celery  # noqa: PLC0415 - a tenth of the time until the first page, which sends nothing

    app = Celery("whetstone", broker=get_settings().redis_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_connection_timeout=CONNECT_S,
        broker_transport_options={
            "socket_connect_timeout": CONNECT_S,
            "socket_timeout": ANSWER_S,
            "visibility_timeout": 3600,
        },
    )
    return app


def enqueue(session: Session, job: str, **payload: Any) -> None:
    """Ask for `job` (`domain.verb`) once `session` has committed; a rollback forgets it."""
    session.info.setdefault(_KEY, []).append((job, payload))


def dispatch(session: Session) -> None:
    """Send what `session` asked for. Called once, after the commit."""
    for job, payload in session.info.pop(_KEY, []):
        send(job, **payload)


def send(job: str, **payload: Any) -> bool:
    """Send a job now; False when the broker is away, which is logged and not an error."""
    if outage().lasts:
        return False
    from kombu.exceptions import OperationalError  # noqa: PLC0415 - as Celery itself

    try:
        producer().send_task(job, kwargs=payload, headers=_headers(), retry=False)
    except (OperationalError, *AWAY) as error:
        outage().noticed(error)
        metrics.count("whetstone_jobs_unsent_total")
        log.warning("job not sent", job=job, error=str(error))
        return False
    return True


def _headers() -> dict[str, str]:
    request_id = current_request_id()
    return {REQUEST_ID: request_id} if request_id else {}
