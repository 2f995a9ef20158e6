"""Processes look before they start: are the tables those of this version, and is all set that production needs?"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping

import psycopg
import pytest
from redis import Redis

from app.core import schema
from app.core.metrics import MARKS_KEY
from app.embedded import programs
from app.embedded.layout import CLONE
from tests.application import SECRET
from tests.stack import TEMPLATE, Stack

PROCESSES = {
    "web": programs.web(bind=("--port", "0")),
    "reaper": programs.reaper(),
    "worker": programs.worker(slots=1),
}
LONG = "0123456789abcdef" * 2
NEWER = "from_the_future"


def start(argv: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A process that is expected to end by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    return subprocess.run(
        [sys.executable, *argv], cwd=CLONE, env={**kept, "PYTHONPATH": str(CLONE), **environment},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def at(stack: Stack, revision: str | None) -> dict[str, str]:
    """The settings that lead to a database at this revision; None has no tables at all."""
    url = stack.create_database("template1" if revision is None else TEMPLATE)
    if revision:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("update alembic_version set version_num = %s", [revision])
    return {
        "WHETSTONE_DATABASE_URL": url,
        "WHETSTONE_REDIS_URL": stack.redis_database(),
        "WHETSTONE_SECRET_KEY": SECRET,
    }


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_web_process_that_others_would_reach_does_not_start(stack: Stack, host: str) -> None:
    stack.create_database()
    ran = start((*programs.web(bind=("--port", "0")), "--host", host), at(stack, schema.newest_revision()))
    assert ran.returncode == 1
    assert "and this is not set up for that" in ran.stderr
    assert "WHETSTONE_ENV=production" in ran.stderr
    assert "Traceback" not in ran.stderr


def oldest() -> str:
    return min(schema.known_revisions() - {schema.newest_revision()})


@pytest.fixture(scope="module")
def newer(stack: Stack) -> dict[str, str]:
    stack.create_database()  # makes the template
    return at(stack, NEWER)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_version_older_than_the_database_does_not_start(newer: dict[str, str], name: str) -> None:
    ran = start(PROCESSES[name], newer)
    assert ran.returncode == 1
    assert (
        f"The database is at revision {NEWER}, which this version of Whetstone does not know: a newer one has"
        " upgraded it." in ran.stderr
    )
    assert "restore a backup" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", [("up", "--port", "0"), ("migrate",), ("signin", "a@example.com")])
def test_no_command_touches_a_database_from_the_future(
    newer: dict[str, str], command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = str(tmp_path_factory.mktemp("home"))
    ran = start(("-m", "app.cli", *command, "--home", home), newer)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"The database is at revision {NEWER}, which this version")
    assert ran.stderr.count("\n") == 1
    with psycopg.connect(newer["WHETSTONE_DATABASE_URL"].replace("+psycopg", "")) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(NEWER,)]


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("empty", [True, False])
def test_older_tables_are_said_with_what_to_run(stack: Stack, name: str, empty: bool) -> None:
    stack.create_database()
    ran = start(PROCESSES[name], at(stack, None if empty else oldest()))
    assert ran.returncode == 1
    has = "has no tables of Whetstone" if empty else f"is at revision {oldest()}"
    assert f"The database {has}, and this version needs {schema.newest_revision()}" in ran.stderr
    assert "run ./whetstone migrate first" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_all_that_production_misses_is_said_at_once() -> None:
    given = {"WHETSTONE_ENV": "production", "WHETSTONE_DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    for argv in PROCESSES.values():
        ran = start(argv, given | {"WHETSTONE_REDIS_URL": "redis://127.0.0.1:1/0"})
        assert ran.returncode == 1
        assert "WHETSTONE_SECRET_KEY is not set" in ran.stderr
        assert "WHETSTONE_PUBLIC_URL is not set" in ran.stderr
        assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"WHETSTONE_SECRET_KEY": "short"}, "WHETSTONE_SECRET_KEY has 5 characters: in production"),
        ({"WHETSTONE_PUBLIC_URL": "http://evals.example.com"}, "WHETSTONE_PUBLIC_URL is “http://evals"),
        ({"WHETSTONE_ENV": "staging"}, "WHETSTONE_ENV is “staging”: "),
    ],
)
def test_what_is_set_badly_is_said(given: dict[str, str], said: str) -> None:
    whole = {
        "WHETSTONE_ENV": "production",
        "WHETSTONE_SECRET_KEY": LONG,
        "WHETSTONE_PUBLIC_URL": "https://evals.example.com",
        "WHETSTONE_DATABASE_URL": "postgresql://127.0.0.1:1/x",
    }
    ran = start(PROCESSES["web"], whole | given)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith(said)


def test_up_in_production_needs_an_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    ran = start(("-m", "app.cli", "up", "--home", str(home)), {"WHETSTONE_ENV": "production"})
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("WHETSTONE_PUBLIC_URL is not set: ")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "decision",
    [
        {"WHETSTONE_PUBLIC_URL": "https://evals.example.com"},
        {"WHETSTONE_PUBLIC_URL": "http://10.0.0.5:8000", "WHETSTONE_PLAIN_HTTP": "1"},
    ],
)
def test_production_starts_once_all_is_set(stack: Stack, decision: dict[str, str]) -> None:
    # Each has a broker of its own: the two would take each other's sign of life.
    given = at(stack, schema.newest_revision()) | {
        "WHETSTONE_ENV": "production",
        "WHETSTONE_SECRET_KEY": LONG,
        "WHETSTONE_REDIS_URL": stack.redis_database(),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    environment = {**kept, "PYTHONPATH": str(CLONE), **given, **decision}
    with (
        Redis.from_url(given["WHETSTONE_REDIS_URL"]) as broker,
        subprocess.Popen([sys.executable, *PROCESSES["reaper"]], cwd=CLONE, env=environment) as process,
    ):
        deadline = time.monotonic() + 90
        while not broker.hexists(MARKS_KEY, "reaper"):  # it has looked for lost work: it runs
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.terminate()
        assert process.wait(60) == 0
