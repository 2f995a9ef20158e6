"""The Celery app: configuration, and what each worker process does when it starts and stops."""

import ctypes
import gc
import os
import socket
import threading
from multiprocessing.sharedctypes import RawValue

import structlog
from celery import Celery, Task
from celery.signals import (
    celeryd_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
    worker_shutting_down,
)

from app.core import events, jobs, logging, metrics, starting
from app.core.broker import ANSWER_S, AWAY, CONNECT_S
from app.core.errors import Unavailable
from app.core.health import WORKERS_KEY
from app.core.settings import get_settings
from app.sandbox.engines import engine_for_code

_ALIVE_S = 10
_stop = threading.Event()
# Shared with the pool processes, which are forked later. Without a lock: one that is killed would keep it for ever.
_stopping = RawValue(ctypes.c_bool, False)
log = structlog.get_logger()

logging.configure()
setup_logging.connect(logging.configure)  # Celery sets up none of its own then
app = Celery(
    "whetstone",
    broker=get_settings().redis_url,
    include=[f"worker.tasks.{name}" for name in ("demo", "evaluations", "generations", "monitoring")],
)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=5,
    worker_enable_soft_shutdown_on_idle=True,
    # The lease in Postgres decides who works on a shard, not the broker: a lost connection stops nothing.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    # In KiB, at a process's largest: it is replaced then, between two tasks. What allocators never give back grows by some
    # 20 KiB with each run, and without a bound it would for as long as the worker lives.
    worker_max_memory_per_child=512 * 1024,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 3600,
        # A connection that has gone mute is found out, and made anew, instead of being listened to for ever.
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": ANSWER_S,
        "socket_keepalive": True,
        "health_check_interval": 5,
    },
)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def _check(**_: object) -> None:
    try:
        starting.check()
    except Unavailable as error:
        raise SystemExit(error.message) from None  # Celery would log any other error, and go on


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _begin_to_stop(**_: object) -> None:
    _stopping.value = True


def is_stopping() -> bool:
    """Whether the worker was asked to end: its processes begin nothing more."""
    return bool(_stopping.value)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _start(**_: object) -> None:
    gc.freeze()  # what was loaded before the fork is never garbage: keep the collector off its pages
    threading.Thread(target=_say_alive, daemon=True).start()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _shut_down(**_: object) -> None:
    _stop.set()
    metrics.flush()


@task_prerun.connect  # type: ignore[untyped-decorator]
def _name_lines(task_id: str, task: Task, **_: object) -> None:
    """Every line that a task logs carries its id, and that of the request which asked for it."""
    structlog.contextvars.bind_contextvars(task_id=task_id)
    if request_id := task.request.get(jobs.REQUEST_ID):
        structlog.contextvars.bind_contextvars(request_id=logging.usable_request_id(request_id))


@task_postrun.connect  # type: ignore[untyped-decorator]
def _forget_task(**_: object) -> None:
    structlog.contextvars.clear_contextvars()


def _say_alive() -> None:
    """Renew this process's key, by which `/health/ready` counts the workers; it says whether programs run here."""
    key, said = f"{WORKERS_KEY}:{socket.gethostname()}:{os.getpid()}", "\n"
    looking = threading.Thread(target=engine_for_code, daemon=True)  # before anybody's program comes
    looking.start()
    while not _stop.is_set():
        try:
            if not looking.is_alive():
                _, found = engine_for_code()
                said = f"{found.engine or ''}\n{found.explanation}"
            events.broker().set(key, said, ex=_ALIVE_S)
        except AWAY as error:
            log.warning("broker away", error=str(error))
        _stop.wait(_ALIVE_S / 4)
