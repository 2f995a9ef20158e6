"""Commands on an installation that is not running: they start its databases for themselves."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded.layout import CLONE


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path("/tmp") / f"whetstone-commands-{os.getpid()}-{time.monotonic_ns()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=CLONE, env={**kept, **environment}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def test_a_workspace_can_be_made_before_the_first_start(home: Path):
    words = ["init", "--workspace", "Acme", "--email", "maya@example.com", "--home", str(home)]
    early = run(*words)
    assert (early.returncode, early.stdout) == (1, "")
    assert early.stderr.startswith("The database has no tables of Whetstone, and this version needs ")
    assert early.stderr.endswith(": run ./whetstone migrate first (`up` does it).\n")
    assert run("migrate", "--home", str(home)).returncode == 0
    made = run(*words)
    assert made.returncode == 0, made.stderr
    assert "http://127.0.0.1:8000/signin/link/" in made.stdout
    again = run(*words)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1


def test_the_demo_is_not_filled_where_nobody_works(home: Path):
    ran = run("seed", "--home", str(home))
    assert ran.returncode == 1
    assert ran.stderr == "The workers do this, and they are not running: start ./whetstone up first.\n"


def test_a_command_says_that_the_database_is_away(home: Path):
    ran = run("signin", "maya@example.com", WHETSTONE_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/x")
    assert ran.returncode == 1
    assert ran.stderr.startswith("WHETSTONE_DATABASE_URL does not work (postgresql://127.0.0.1:1/x)")
    assert ran.stderr.count("\n") == 1


def test_a_setting_that_cannot_be_used_is_one_clear_line():
    wrong = {
        "WHETSTONE_SESSION_DAYS": "abc",
        "WHETSTONE_PUBLIC_URL": "ftp://x",
        "WHETSTONE_BODY_LIMIT_MIB": "0",
    }
    for name, value in wrong.items():
        ran = run("up", "--no-demo", **{name: value})
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr.startswith(f"{name} is “{value}”: ")
        assert ran.stderr.count("\n") == 1
