"""A run that is disturbed on its way: waiting for a moment in it, and whether every row came out exactly once."""

import time
from collections.abc import Callable

import psycopg

from tests.application import Application
from tests.bench.eval_throughput import Case
from tests.endpoint import Endpoint

FLUSHED_EVERY_S = 1.0
LATENCY_S = 0.1


def dsn(application: Application) -> str:
    """The psycopg URL of its database."""
    return application.database_url.replace("+psycopg", "")


def wait_for(
    application: Application, run_id: str, reached: Callable[[int, str], bool], timeout_s: float = 200
) -> None:
    """Return once `reached(done, status)` of a run; its database may go away meanwhile."""
    deadline, seen = time.monotonic() + timeout_s, (0, "unknown")
    while not reached(*seen):
        assert time.monotonic() < deadline, f"{seen[0]} done, {seen[1]}"
        try:
            with psycopg.connect(dsn(application), autocommit=True, connect_timeout=2) as connection:
                while not reached(*seen) and time.monotonic() < deadline:
                    seen = connection.execute(
                        "select done_count, status from run where id = %s", [run_id]
                    ).fetchone()
                    time.sleep(0.02)
        except psycopg.OperationalError:
            time.sleep(0.1)


def finishes_exactly_once(
    application: Application, endpoint: Endpoint, run_id: str, case: Case, kills: int
) -> None:
    """The run ends with every row once, and no more calls repeated than were in flight or unwritten at each kill."""
    wait_for(application, run_id, lambda done, status: status == "completed")
    with psycopg.connect(dsn(application), autocommit=True) as connection:
        counts = connection.execute(
            """
            select (select count(*) from run_item where run_id = %(run)s and state = 'done' and error is null),
                   (select count(*) from log where run_id = %(run)s),
                   (select count(*) from judgment j join log l on l.id = j.log_id where l.run_id = %(run)s),
                   (select done_count from run where id = %(run)s)
            """,
            {"run": run_id},
        ).fetchone()
    assert counts == (case.rows,) * 4
    asked = endpoint.calls()
    repeated = sum(count - 1 for count in asked.values())
    in_flight = case.concurrency
    unwritten = case.concurrency / LATENCY_S * FLUSHED_EVERY_S * 1.5
    assert len(asked) == case.rows
    assert repeated <= kills * (in_flight + unwritten), f"{repeated} calls were repeated"
