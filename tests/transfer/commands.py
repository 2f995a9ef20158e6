"""The commands in processes of their own, each on a database that only it has."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import psycopg

from app.embedded.layout import CLONE


def environment_of(database_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    return {
        **kept,
        "WHETSTONE_DATABASE_URL": database_url,
        "WHETSTONE_SECRET_KEY": "only-for-tests",
        "WHETSTONE_REDIS_URL": "redis://127.0.0.1:9",
    }


def run(database_url: str, *words: str, code: int = 0) -> str:
    """What a command printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=CLONE, env=environment_of(database_url), capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def start(database_url: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words],
        cwd=CLONE, env=environment_of(database_url), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def open_workspace(database_url: str, name: str = "Acme") -> None:
    run(database_url, "init", "--workspace", name, "--email", f"admin@{name.lower()}.example.com")


def query(database_url: str, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    with psycopg.connect(database_url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
        return connection.execute(statement, parameters or None).fetchall()
