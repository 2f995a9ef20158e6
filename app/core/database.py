"""Postgres: the engine, the base of all tables, and the one transaction of a request or task."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import orjson
from fastapi import Depends
from sqlalchemy import DateTime, Engine, MetaData, Text, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session

from app.core import events, jobs, waiting
from app.core.settings import get_settings

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Json = dict[str, Any]
"""A JSON object as it lies in a jsonb or json column."""


class Base(DeclarativeBase):
    """The base of every table. Relationships must be loaded on purpose: declare them `lazy="raise"`."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        Json: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        str: Text(),
    }


@lru_cache
def get_engine() -> Engine:
    """The engine of this process."""
    settings = get_settings()
    return engine_to(settings.database_url, settings.database_pool)


def engine_to(url: str, connections: int) -> Engine:
    """An engine that keeps so many connections, and has twice as many at most.

    A connection found dead is replaced before use; none is waited for without end.
    """
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_pre_ping=True,
        pool_use_lifo=True,  # the one that was just used is known to live
        poolclass=waiting.BoundedPool,
        pool_timeout=waiting.POOL_S,
        hide_parameters=True,  # an error's text goes to the log: what people sent must not
        json_deserializer=orjson.loads,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        connect_args={"connect_timeout": waiting.CONNECT_S, "application_name": "whetstone"},
    )
    waiting.bound(engine)
    return engine


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """One transaction: commits at the end, rolls back on any error; jobs and events leave after the commit.

    They are sent here and not from SQLAlchemy's `after_commit`, which also fires when a savepoint ends.
    """
    with Session(get_engine(), expire_on_commit=False) as session:
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        jobs.dispatch(session)
        events.dispatch(session)


@contextmanager
def each_statement_commits() -> Iterator[Session]:
    """No transaction: what each statement does holds at once, and is one trip to the database."""
    with Session(_committing(get_engine())) as session:
        yield session


@lru_cache(maxsize=1)
def _committing(engine: Engine) -> Engine:
    """The engine with each statement committed. Once: to make a copy, with a listener of its own, takes a fifth of a trip."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _session_of_request() -> Iterator[Session]:
    with unit_of_work() as session:
        yield session


SessionDep = Annotated[Session, Depends(_session_of_request, scope="function")]
"""The transaction of a request. `scope="function"` commits before the answer's first byte leaves, so that a
redirect always finds what was written."""
