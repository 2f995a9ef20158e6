"""The newest migrations go up, down and up on a database in use: nobody waits for a lock for long."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from app.commands.migrate import configuration
from app.core.schema import newest_revision
from app.embedded.external import psycopg_url
from tests.faults.conftest import Figures
from tests.faults.lengths import LENGTHS
from tests.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
STEPS, LOGS, LONGEST_LOCK_S = 3, LENGTHS.stored_logs, 2.0
TABLES = ("log", "run", "provider", "version", "file", "workspace")


@contextmanager
def in_use(url: str) -> Iterator[list[float]]:
    """Reads and writes every table in turn, as old processes would; how long each statement took."""
    gone, took = threading.Event(), [0.0]

    def use(table: str) -> None:
        with psycopg.connect(psycopg_url(url), autocommit=True) as connection:
            while not gone.wait(0.01):
                for statement in (f"select count(id) from (select id from {table} limit 10) few",
                                  f"update {table} set id = id where id = (select id from {table} limit 1)"):  # fmt: skip
                    started = time.monotonic()
                    connection.execute(statement)
                    took.append(time.monotonic() - started)

    users = [threading.Thread(target=use, args=[table]) for table in TABLES]
    for user in users:
        user.start()
    try:
        yield took
    finally:
        gone.set()
        for user in users:
            user.join()


def test_migrations_lock_no_table_for_long(stack: Stack, figures: Figures) -> None:
    url = stack.create_database()
    with psycopg.connect(psycopg_url(url), autocommit=True) as connection:
        columns = dict(
            connection.execute(
                """
                select column_name, data_type from information_schema.columns
                where table_name = 'log' and is_nullable = 'NO' and column_default is null
                """
            )
        )
        connection.execute(
            "set session_replication_role = replica"
        )  # rows of one table do without the others
        named = ", ".join(columns)
        values = ", ".join(
            "'l_' || n"
            if name == "id"
            else "now()"
            if "time" in kind
            else "0"
            if kind in ("integer", "bigint")
            else "'x'"
            for name, kind in columns.items()
        )
        connection.execute(f"insert into log ({named}) select {values} from generate_series(1, {LOGS}) n")
    config = configuration()
    config.attributes["url"] = url
    script = ScriptDirectory.from_config(config)
    head = newest_revision()
    steps = [revision.revision for revision in script.walk_revisions()][: STEPS + 1]

    with in_use(url) as took:
        started = time.monotonic()
        for revision in steps[1:]:
            command.downgrade(config, revision)
        for revision in reversed(steps[:-1]):
            command.upgrade(config, revision)
        whole_s = time.monotonic() - started
    with psycopg.connect(psycopg_url(url)) as connection:
        now = connection.execute("select version_num from alembic_version").fetchone()[0]
    figures(
        f"R19 {STEPS} migrations down and up, {LOGS:,} logs, {len(took):,} statements meanwhile",
        whole_s=whole_s, longest_wait_s=max(took),
    )  # fmt: skip

    assert now == head
    assert len(took) > 100
    assert max(took) < LONGEST_LOCK_S
