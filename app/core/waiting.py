"""How long Postgres is waited for: never for ever, whatever is wrong with it or with the way to it.

A statement timeout of the server's does not help where its answer does not arrive. So the client counts, from asking
for a connection to giving it back, what is waited for in all; and the server breaks off what a client that
has gone left behind.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app.core import clock

CONNECT_S = 3
POOL_S = 5.0
"""For a connection of the pool, when all are in use."""
REQUEST_S = 6.0
"""Connections and all statements of a request that answers somebody. With a look at whether the connection still
lives, or making a new one, less than ten seconds."""
BULK_S = 120.0
"""The same for imports and starts of runs, which may be about a hundred thousand rows."""
WORK_S = 20.0
"""The same for a transaction of a worker or of the reaper, which go on by themselves."""
_PING_S = 2.5
_JUST_USED_S = 2.0
"""A connection that was given back so short a time ago is not looked at before it is used again."""
_OTHERWISE_S = 600.0
LEAST_S = 1.0
_SERVER = """
set statement_timeout = '600s'; set idle_in_transaction_session_timeout = '50s';
set client_connection_check_interval = '5s';
select extract(epoch from clock_timestamp())
"""
_waited_s: ContextVar[float] = ContextVar("pool_wait", default=0.0)


@dataclass(slots=True)
class _Budget:
    """What may still be waited for; the threads that one request comes by share it."""

    left_s: float


_budget: ContextVar[_Budget | None] = ContextVar("database_wait", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """In the block, the database is waited for so long in all, over every transaction, and then OperationalError raised.

    A block within has a budget of its own: each look of a stream that lasts, for instance.
    """
    token = _budget.set(_Budget(seconds))
    try:
        yield
    finally:
        _budget.reset(token)


class BoundedPool(QueuePool):
    """A pool that notes how long it let somebody wait."""

    def _do_get(self) -> ConnectionPoolEntry:
        started = time.monotonic()
        entry = super()._do_get()
        _waited_s.set(time.monotonic() - started)
        return entry


class _BoundedConnection(psycopg.Connection[Any]):
    left_s = 5.0
    """Also of what is asked before somebody takes it: the dialect looks at a new server."""
    given_s = 5.0
    budget: _Budget | None = None
    """Of whoever has it now."""
    seen_alive_at = 0.0
    """When the server last answered on it, on the monotonic clock."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        started = time.monotonic()
        left_s = max(0.0, self.left_s)
        try:
            return super().wait(gen, interval, left_s if timeout is None else min(timeout, left_s))
        except psycopg.OperationalError:
            if time.monotonic() - started >= left_s:
                self.pgconn.finish()  # an answer may yet come, and would be taken for the next one's
            raise
        finally:
            self.left_s -= time.monotonic() - started


def bound(engine: Engine) -> None:
    """Make the engine's connections wait as long as `at_most` says, and no longer."""

    ping = engine.dialect.do_ping

    def ping_unless_just_used(connection: DBAPIConnection) -> bool:
        """A trip less before everything on a busy server, and for heartbeats where the database is far away."""
        just_used = time.monotonic() - connection.seen_alive_at < _JUST_USED_S
        return (just_used and not connection.closed) or ping(connection)

    engine.dialect.do_ping = ping_unless_just_used  # type: ignore[assignment, method-assign]

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, args: list[Any], options: dict[str, Any]) -> Any:
        connection = _BoundedConnection.connect(*args, **options)
        connection.autocommit = True
        cursor = connection.execute(_SERVER)
        while cursor.nextset():
            pass
        clock.learn(float(cursor.fetchall()[0][0]))
        connection.autocommit = False
        return connection

    @event.listens_for(engine, "checkout")
    def taken(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
        connection.budget = budget = _budget.get()
        if budget is not None:
            budget.left_s -= _waited_s.get()
        left_s = _OTHERWISE_S if budget is None else max(LEAST_S, budget.left_s)
        connection.left_s = connection.given_s = left_s

    @event.listens_for(engine, "checkin")
    def given_back(connection: DBAPIConnection | None, _record: object) -> None:
        if connection is not None:
            if connection.budget is not None:
                connection.budget.left_s -= connection.given_s - connection.left_s
                connection.budget = None
            connection.left_s = _PING_S
            connection.seen_alive_at = time.monotonic()
