"""Postgres and Valkey for whoever needs them: under `up`, or for the time of one command or test run."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.embedded.external import check_database, check_redis
from app.embedded.layout import Layout, open_layout
from app.embedded.postgres import Postgres
from app.embedded.supervisor import Supervisor, stop_leftovers
from app.embedded.valkey import Valkey

Say = Callable[[str], None]
DATABASE_URL = "WHETSTONE_DATABASE_URL"
REDIS_URL = "WHETSTONE_REDIS_URL"


def start_databases(
    supervisor: Supervisor, layout: Layout, say: Say, *, given: Mapping[str, str], durable: bool = True
) -> dict[str, str]:
    """Start the databases that `given` does not name; the URLs of both, once they answer.

    Raises:
        StackError: one of them cannot be started or reached.
    """
    urls, waits = {}, []
    for name, check in ((DATABASE_URL, check_database), (REDIS_URL, check_redis)):
        if named := given.get(name):
            check(named)
            urls[name] = named
    if DATABASE_URL not in urls:
        postgres = Postgres(layout, durable=durable)
        say(f"Starting Postgres {postgres.major} on port {postgres.port} …")
        waits.append((postgres.wait_until_ready, supervisor.keep(postgres.service)))
        urls[DATABASE_URL] = postgres.url
    if REDIS_URL not in urls:
        valkey = Valkey(layout)
        say(f"Starting Valkey on port {valkey.port} …")
        waits.append((valkey.wait_until_ready, supervisor.keep(valkey.service)))
        urls[REDIS_URL] = valkey.url
    for wait_until_ready, is_alive in waits:
        wait_until_ready(is_alive)
    return urls


@contextmanager
def databases(layout: Layout, *, given: Mapping[str, str], durable: bool = True) -> Iterator[dict[str, str]]:
    """The databases of `layout` without anything else, stopped at the end; gives their URLs.

    Raises:
        AlreadyRunning: somebody holds `layout`.
        StackError: one of them cannot be started or reached.
    """
    with layout.held():
        supervisor = Supervisor(layout, say=lambda _: None)
        try:
            stop_leftovers(layout)
            supervisor.start_guard()
            yield start_databases(supervisor, layout, lambda _: None, given=given, durable=durable)
        finally:
            supervisor.stop()


@contextmanager
def scratch_databases() -> Iterator[dict[str, str]]:
    """Empty databases of their own in a temporary folder, faster than they are safe; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="whetstone-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # ours and new: the unprivileged user of Postgres must get through it
    layout = open_layout(folder)
    try:
        with databases(layout, given={}, durable=False) as urls:
            yield urls
    finally:
        for left in (layout.root, folder):
            shutil.rmtree(left, ignore_errors=True)
