"""Fixtures: the scratch databases, a database of its own for each test process, and the whole application running."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.commands.migrate import upgrade
from app.core import broker, events, jobs, key_rates
from app.core import database as core_database
from app.core.settings import get_settings
from app.embedded.databases import DATABASE_URL, REDIS_URL, scratch_databases
from tests.application import Application, start_application

TEST_DATABASE_URL = "WHETSTONE_TEST_DATABASE_URL"
TEST_REDIS_URL = "WHETSTONE_TEST_REDIS_URL"
TEMPLATE = "whetstone_template"
REDIS_DATABASES = 64
_KEPT = (TEST_DATABASE_URL, TEST_REDIS_URL, "WHETSTONE_REQUIRE_BROWSER", "WHETSTONE_TEST_LONG")
_EMPTY_ALL_TABLES = """
do $$
declare name text;
begin
    set local session_replication_role = replica;  -- no foreign keys and no triggers: the order does not matter
    for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' loop
        execute format('delete from %%I', name);
    end loop;
end $$
"""


@dataclass(frozen=True)
class Stack:
    """The scratch Postgres and Valkey of a test run."""

    server_url: str
    """psycopg URL of the database `postgres`."""
    redis_url: str
    """Without the number of a database."""

    def create_database(self, template: str = TEMPLATE) -> str:
        """A new database, by default with all tables and no rows; its SQLAlchemy URL. It goes with the stack."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            _make_template(connection, self.url_of)
            connection.execute(f"create database {name} template {template}")
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        """The SQLAlchemy URL of one database."""
        return (
            self.server_url.replace("postgresql:", "postgresql+psycopg:", 1).rpartition("/")[0] + f"/{name}"
        )

    def redis_database(self) -> str:
        """The URL of an empty Redis database, which nobody else has until all others are taken once more."""
        with Redis.from_url(f"{self.redis_url}/0") as client:
            url = f"{self.redis_url}/{1 + int(client.incr('taken')) % (REDIS_DATABASES - 1)}"
        with Redis.from_url(url) as client:
            client.flushdb()
        return url


def _make_template(connection: psycopg.Connection, url_of) -> None:
    """Make the database with all tables that others are copied from, unless another test process has."""
    connection.execute("select pg_advisory_lock(1)")
    try:
        if connection.execute("select 1 from pg_database where datname = %s", [TEMPLATE]).fetchone():
            return
        connection.execute(f"drop database if exists {TEMPLATE}_new")
        connection.execute(f"create database {TEMPLATE}_new")
        upgrade(url_of(f"{TEMPLATE}_new"))
        connection.execute(f"alter database {TEMPLATE}_new rename to {TEMPLATE}")
    finally:
        connection.execute("select pg_advisory_unlock(1)")


def pytest_configure() -> None:
    """Forget the developer's own settings: no test may reach a database that is not the run's."""
    for name in [name for name in os.environ if name.startswith("WHETSTONE_") and name not in _KEPT]:
        del os.environ[name]
    os.environ["WHETSTONE_SECRET_KEY"] = "only-for-tests"
    os.environ["WHETSTONE_PRIVATE_HOSTS"] = "127.0.0.1"  # where the tests' own providers are
    # Nobody's, until `redis_url` names the run's: what counts in the background finds a broker that is away.
    os.environ[REDIS_URL] = "redis://127.0.0.1:9"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of the running application go to one process of the run: it is started once."""
    for item in items:
        if "running_app" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("running_app"))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Scratch databases: those of `./whetstone test`, else some of this process's own."""
    if url := os.environ.get(TEST_DATABASE_URL):
        yield _stack(url, os.environ[TEST_REDIS_URL])
    else:
        with scratch_databases() as urls:
            yield _stack(urls[DATABASE_URL], urls[REDIS_URL])


def _stack(database_url: str, redis_url: str) -> Stack:
    server = database_url.replace("postgresql+psycopg:", "postgresql:", 1).rpartition("/")[0] + "/postgres"
    return Stack(server, redis_url.rpartition("/")[0])


@pytest.fixture(scope="session")
def redis_url(stack: Stack) -> str:
    """The Redis of this test process, and the setting that leads to it."""
    url = stack.redis_database()
    _set(REDIS_URL, url)
    return url


@pytest.fixture(scope="session")
def database_url(stack: Stack, redis_url: str) -> Iterator[str]:
    """The database of this test process with all tables, and the setting that leads to it."""
    url = stack.create_database()
    _set(DATABASE_URL, url)
    yield url
    core_database.get_engine().dispose()


def _set(name: str, value: str) -> None:
    os.environ[name] = value
    for cached in (
        get_settings,
        core_database.get_engine,
        events.broker,
        jobs.producer,
        broker.outage,
        key_rates.rates,
    ):
        cached.cache_clear()


@pytest.fixture
def engine(database_url: str) -> Engine:
    """The engine of this process, as the application itself gets it."""
    return core_database.get_engine()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session whose every change is undone after the test, commits included."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@pytest.fixture
def database(engine: Engine, redis_url: str) -> Iterator[Engine]:
    """For code that opens its own transactions: what it commits is there for all, and deleted after the test."""
    yield engine
    with engine.begin() as connection:
        connection.exec_driver_sql(_EMPTY_ALL_TABLES)
    events.broker().flushdb()


@pytest.fixture(scope="session")
def running_app(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The whole application as `./whetstone up --no-demo` starts it, on a database of its own that tests share."""
    home: Path = tmp_path_factory.mktemp("home")
    with start_application(home, stack.create_database(), stack.redis_database()) as running:
        running.wait_until_ready()
        yield running
