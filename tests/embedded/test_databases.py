"""Embedded Postgres and Valkey: first start, crash, leftovers, and what is asked of them."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from app.core import schema
from app.embedded import processes
from app.embedded.databases import DATABASE_URL, REDIS_URL, databases, scratch_databases
from app.embedded.external import check_database, check_redis
from app.embedded.layout import Layout, StackError, open_layout
from app.embedded.postgres import Postgres, find_binaries
from app.embedded.valkey import Valkey


@pytest.fixture
def home() -> Iterator[Layout]:
    """An installation where the unprivileged user of Postgres can get to it."""
    folder = Path("/tmp") / f"whetstone-home-{os.getpid()}-{time.monotonic_ns()}"
    yield open_layout(folder)
    shutil.rmtree(folder)


def psycopg_url(urls: dict[str, str]) -> str:
    return urls[DATABASE_URL].replace("+psycopg", "")


@contextmanager
def left_alone(
    home: Layout, kind: type[Postgres | Valkey]
) -> Iterator[tuple[Postgres | Valkey, subprocess.Popen]]:
    """A server whose supervisor is gone and left no record of it."""
    server = kind(home)
    home.logs.mkdir(exist_ok=True)
    with (home.logs / "out").open("wb") as log:
        popen = subprocess.Popen(server.service.argv, stdout=log, stderr=log, **server.service.options())
    server.wait_until_ready(lambda: popen.poll() is None)
    try:
        yield server, popen
    finally:
        popen.kill()
        popen.wait()


def test_what_was_written_is_there_at_the_next_start(home: Layout):
    with databases(home, given={}) as urls:
        with psycopg.connect(psycopg_url(urls)) as connection:
            connection.execute("create table kept (x int)")
        with Redis.from_url(urls[REDIS_URL]) as client:
            client.set("kept", "1")
    with databases(home, given={}) as again:
        assert again == urls
        with psycopg.connect(psycopg_url(again)) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
        with Redis.from_url(again[REDIS_URL]) as client:
            assert client.get("kept") == b"1"


def test_the_database_is_what_the_application_needs(home: Layout):
    with databases(home, given={}) as urls, psycopg.connect(psycopg_url(urls)) as connection:
        connection.execute("create extension vector")
        provider = (
            "select datlocprovider::text || datlocale from pg_database where datname = current_database()"
        )
        assert connection.execute(provider).fetchone() == ("bC.UTF-8",)
        assert connection.execute("show synchronous_commit").fetchone() == ("on",)
        assert connection.execute("show fsync").fetchone() == ("on",)
        assert connection.execute("show max_connections").fetchone() == ("200",)
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)


def test_a_wrong_password_opens_neither(home: Layout):
    with databases(home, given={}) as urls:
        wrong = psycopg_url(urls).replace(home.secret("postgres"), "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        with (
            Redis.from_url(urls[REDIS_URL].replace(home.secret("valkey"), "wrong")) as client,
            pytest.raises(AuthenticationError),
        ):
            client.ping()


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_server_comes_back_with_what_it_had(home: Layout, name: str):
    with databases(home, given={}) as urls:
        with psycopg.connect(psycopg_url(urls)) as connection:
            connection.execute("create table kept (x int)")
        _, children = processes.recorded(home.processes)
        victim = next(child for child in children if child.name == name)
        os.kill(victim.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while True:
            try:
                with psycopg.connect(psycopg_url(urls)) as connection:
                    assert connection.execute("select count(*) from kept").fetchone() == (0,)
                with Redis.from_url(urls[REDIS_URL]) as client:
                    client.ping()
                break
            except (psycopg.OperationalError, RedisError):
                assert time.monotonic() < deadline
                time.sleep(0.05)


@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_a_server_that_was_left_running_is_taken_over(home: Layout, kind: type[Postgres | Valkey]):
    with left_alone(home, kind) as (server, popen):
        urls = server.url
        with databases(home, given={}) as found:
            assert popen.wait(10) is not None
            assert urls in found.values()


def test_a_strangers_pid_in_the_lock_file_is_neither_killed_nor_in_the_way(home: Layout):
    with databases(home, given={}):
        pass
    lock = next(home.root.glob("pg*")) / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lock.write_text(f"{stranger.pid}\n{lock.parent}\n")
        with databases(home, given={}):
            assert stranger.poll() is None
        stranger.kill()


def test_a_first_start_that_was_interrupted_begins_anew(home: Layout):
    _, major = find_binaries()
    partial = home.root / f"pg{major}.partial"
    partial.mkdir()
    (partial / "PG_VERSION").write_text("half")
    with databases(home, given={}) as urls:
        psycopg.connect(psycopg_url(urls)).close()
    assert not partial.exists()


def test_scratch_databases_leave_nothing():
    with scratch_databases() as urls:
        port = int(urls[DATABASE_URL].rpartition(":")[2].partition("/")[0])
        with psycopg.connect(psycopg_url(urls)) as connection:
            folder = Path(connection.execute("show data_directory").fetchone()[0]).parent
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://127.0.0.1:{port}/postgres", connect_timeout=2)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://me:hunter2@127.0.0.1/x", "must look like postgresql://"),
        ("nonsense", "must look like postgresql://"),
        ("postgresql://me:hunter2@127.0.0.1:1/x", "refused"),
        ("postgresql+psycopg://me:hunter2@127.0.0.1:1/x?sslmode=bad", "sslmode"),
        ("postgresql://me:hunter2@127.0.0.1:port/x", "port"),
    ],
)
def test_a_wrong_database_address_is_explained_without_the_password(url: str, reason: str):
    with pytest.raises(StackError, match=reason) as refused:
        check_database(url)
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["redis://:hunter2@127.0.0.1:1/0", "nonsense", "redis://:hunter2@127.0.0.1:port/0"]
)
def test_a_wrong_redis_address_is_explained_without_the_password(url: str):
    with pytest.raises(StackError, match="WHETSTONE_REDIS_URL does not work") as refused:
        check_redis(url)
    assert "hunter2" not in str(refused.value)


def test_the_newest_migration_is_found_without_alembic(database_url: str):
    assert schema.newest_revision() in schema.known_revisions()
    assert schema.is_current(database_url)


def test_an_empty_database_is_not_current(stack):
    assert not schema.is_current(stack.create_database(template="template1"))


@pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")
def test_as_root_the_server_has_no_rights_of_roots(home: Layout):
    with databases(home, given={}):
        _, children = processes.recorded(home.processes)
        pid = next(child.pid for child in children if child.name == "postgres")
        owner = Path(f"/proc/{pid}").stat().st_uid
    assert owner != 0
    assert next(home.root.glob("pg*")).stat().st_uid == owner


def test_the_password_is_in_no_command_line(home: Layout):
    with databases(home, given={}):
        _, children = processes.recorded(home.processes)
        commands = " ".join(processes.command_line(child.pid) for child in children)
    assert "postgres" in commands
    for name in ("postgres", "valkey"):
        assert home.secret(name) not in commands
