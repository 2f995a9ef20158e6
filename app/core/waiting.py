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
from math import inf
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from app.core import clock

CONNECT_S = 3
_SHORTEST_CONNECT_S = 2
"""libpq takes a shorter one for this."""
POOL_S = 5.0
"""For a connection of the pool, when all are in use."""
REQUEST_S = 5.0
"""Connections and all statements of a request that answers somebody. With the least that each step is given, less
than eight seconds: two are left for a machine that is busy, until somebody has waited for ten."""
BULK_S = 120.0
"""The same for imports and starts of runs, which may be about a hundred thousand rows."""
WORK_S = 20.0
"""The same for a transaction of a worker or of the reaper, which go on by themselves."""
_PING_S = 2.5
_JUST_USED_S = 2.0
"""A connection that was given back so short a time ago is not looked at before it is used again."""
_OTHERWISE_S = 600.0
LEAST_S = 1.0
"""What a connection that was had is given, when nothing is left: a look at it costs others theirs if it fails."""
_SERVER = """
set timezone = 'UTC'; set statement_timeout = '600s'; set client_connection_check_interval = '5s';
set lock_timeout = '20s'; set idle_in_transaction_session_timeout = '35s';
select extract(epoch from clock_timestamp())
"""
"""The last two settings together are less than a minute: for so long may locks be kept by somebody who has gone mute, having
waited for a lock of somebody else who has."""
_asked_at: ContextVar[float] = ContextVar("connection_asked_for", default=0.0)
"""When the pool was asked for the connection, on the monotonic clock."""


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


def granted(patience_s: float) -> float:
    """So much of `patience_s` as whoever asks may still wait for the database."""
    budget = _budget.get()
    return patience_s if budget is None else min(patience_s, budget.left_s)


def spend(seconds: float) -> None:
    """Count as waited for what somebody else waited for in our stead."""
    if (budget := _budget.get()) is not None:
        budget.left_s -= seconds


def _left_for_connecting_s() -> float:
    """What is left of the budget while a connection is on its way."""
    budget = _budget.get()
    return inf if budget is None else budget.left_s - (time.monotonic() - _asked_at.get())


@contextmanager
def patient_with_locks(session: Session) -> Iterator[None]:
    """In the block a lock is waited for as long as the client waits for anything: for bulk work behind bulk work."""
    [usual] = session.execute(text("show lock_timeout")).one()
    session.execute(text("set local lock_timeout = 0"))
    yield  # after an error the transaction is over, and the setting with it
    session.execute(text("select set_config('lock_timeout', :usual, true)"), {"usual": usual})


class BoundedPool(QueuePool):
    """A pool in which nobody waits for longer than they may, and that notes since when they have."""

    def connect(self) -> PoolProxiedConnection:
        _asked_at.set(time.monotonic())
        return super().connect()

    @property
    def _timeout(self) -> float:
        return max(0.0, min(POOL_S, _left_for_connecting_s()))

    @_timeout.setter
    def _timeout(self, seconds: float) -> None:
        """The pool's own is that of whoever asks."""


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
        if just_used and not connection.closed:
            return True
        connection.left_s = max(LEAST_S, min(_PING_S, _left_for_connecting_s()))
        return ping(connection)

    engine.dialect.do_ping = ping_unless_just_used  # type: ignore[assignment, method-assign]

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, args: list[Any], options: dict[str, Any]) -> Any:
        left_s = _left_for_connecting_s()
        if left_s < LEAST_S:
            raise psycopg.OperationalError("The database was waited for too long to make a new connection.")
        connect_s = CONNECT_S if left_s > CONNECT_S else _SHORTEST_CONNECT_S
        connection = _BoundedConnection.connect(*args, **{**options, "connect_timeout": connect_s})
        connection.left_s = max(LEAST_S, min(connection.left_s, _left_for_connecting_s()))
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
            budget.left_s = _left_for_connecting_s()
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
