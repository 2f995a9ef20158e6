"""Backup and restore: a dump made while others write, put back elsewhere; and everything that must be refused."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.embedded.backup import Manifest, verified
from app.embedded.databases import DATABASE_URL, databases
from app.embedded.layout import CLONE, open_layout
from tests.application import SECRET, Application, start_application
from tests.bench.eval_throughput import Case, Client, prepare
from tests.embedded.backing_up import Writers, cli, cli_limited, dsn
from tests.endpoint import running_endpoint
from tests.stack import Stack

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("backup")]
CASE = Case("backup", rows=1_500, concurrency=20)
FROZEN = {"log": "id", "judgment": "id", "datapoint": "id", "version": "id"}
"""Tables whose rows are written once, by the column that names a row: the counters of a version are left out."""
PROVIDER_KEY = "sk-backup-canary-3b1d"


@dataclass(frozen=True)
class BackedUp:
    """A backup made under load, and the server that went on."""

    path: Path
    manifest: Manifest
    running: Application
    before: dict[str, str]
    """Datasets that were acknowledged before it began, each with its version."""
    after: int
    """How many were acknowledged while it was made or later."""
    said: str


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the unprivileged user of Postgres can get to."""
    folder = Path("/tmp") / f"whetstone-backup-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir(mode=0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def backed_up(stack: Stack, folder: Path) -> Iterator[BackedUp]:
    path = folder / "made.zip"
    with (
        running_endpoint(20) as endpoint,
        start_application(folder / "first", stack.create_database(), stack.redis_database()) as running,
    ):
        running.wait_until_ready()
        running.run("init", "--workspace", "Kept", "--email", "kept@example.com").check_returncode()
        key = running.run(
            "key", "create", "--workspace", "kept", "--name", "t", "--role", "admin"
        ).stdout.strip()
        client = Client(running.url, key)
        own = {"name": "own", "base_url": endpoint.base_url, "api_key": PROVIDER_KEY}
        client.call("POST", "/providers", own)
        evaluation_id, body = prepare(client, endpoint, CASE)
        run_id = client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        with psycopg.connect(dsn(running.database_url), autocommit=True) as connection:
            deadline = time.monotonic() + 120
            while connection.execute("select count(*) from log where run_id = %s", [run_id]).fetchone() < (
                800,
            ):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        with Writers(client) as writers:
            writers.wait_for(40)
            before = dict(writers.acknowledged)
            made = running.run("backup", str(path))
            writers.wait_for(len(before) + 20)
        assert made.returncode == 0, made.stderr
        after = len(writers.acknowledged) - len(before)
        yield BackedUp(path, verified(path), running, before, after, made.stdout)


@pytest.fixture(scope="module")
def restored(backed_up: BackedUp, folder: Path) -> Iterator[str]:
    """The address of the database of another installation, into which it was restored."""
    home = folder / "second"
    ran = cli("restore", backed_up.path, "--home", home, WHETSTONE_SECRET_KEY=SECRET)
    assert ran.returncode == 0, ran.stderr
    assert "2 keys of providers and tools" in ran.stdout
    with databases(open_layout(home), given={}) as urls:
        yield dsn(urls[DATABASE_URL])


def test_a_backup_is_one_private_file_that_says_what_it_holds(backed_up: BackedUp) -> None:
    assert stat.S_IMODE(backed_up.path.stat().st_mode) == 0o600
    with zipfile.ZipFile(backed_up.path) as archive:
        assert set(archive.namelist()) == {"manifest.json", "database.sql"}
        dumped = archive.read("database.sql")
    assert SECRET.encode() not in dumped
    assert PROVIDER_KEY.encode() not in dumped
    assert f"Its fingerprint is {backed_up.manifest.secret}" in backed_up.said
    assert SECRET not in backed_up.manifest.secret
    assert not list(backed_up.path.parent.glob(".made.zip*"))


def test_what_was_acknowledged_before_is_there_and_nothing_is_half(
    backed_up: BackedUp, restored: str
) -> None:
    assert backed_up.after >= 20, "others wrote meanwhile"
    with psycopg.connect(restored) as connection:
        versions = dict(
            connection.execute("select v.file_id, v.id from version v where v.number = 1").fetchall()
        )
        assert backed_up.before.items() <= versions.items()
        halves = connection.execute("""
            select f.path from file f join version v on v.file_id = f.id
            where f.path like 'load %' and v.rows_count <> (
                select count(*) from dataset_row r where r.file_id = f.id and r.from_number <= v.number)
        """).fetchall()
        assert halves == []
        lost = connection.execute("""
            select count(*) from run_item i left join log l on l.id = i.log_id
            where i.state = 'done' and l.id is null
        """).fetchone()
        assert lost == (0,)


def test_counts_and_the_hashes_of_random_rows_are_those_of_the_snapshot(
    backed_up: BackedUp, restored: str, record_property: Callable[[str, object], None]
) -> None:
    with psycopg.connect(restored) as there, psycopg.connect(dsn(backed_up.running.database_url)) as here:
        counts = {
            table: there.execute(f'select count(*) from "{table}"').fetchone()[0]  # type: ignore[arg-type]
            for table in backed_up.manifest.rows
        }
        assert counts == backed_up.manifest.rows
        compared = 0
        for table, column in FROZEN.items():
            # A version counts its logs: that is no part of what was written once.
            row = "to_jsonb(t) - 'logs_count' - 'summary'"
            hashes = f'select {column}, md5(({row})::text) from "{table}" t'
            found = dict(there.execute(hashes).fetchall())  # type: ignore[arg-type]
            names = random.sample(sorted(found), min(1_000, len(found)))
            source = dict(here.execute(f"{hashes} where {column} = any(%s)", [names]).fetchall())  # type: ignore[arg-type]
            assert {name: found[name] for name in names} == source
            compared += len(names)
    rows, size = sum(backed_up.manifest.rows.values()), backed_up.path.stat().st_size
    record_property(
        "figures",
        f"R20 {rows:,} rows, {size:,} bytes, {len(backed_up.before)} datasets acknowledged before and {backed_up.after}"
        f" meanwhile or later; {compared:,} hashes compared",
    )
    assert compared >= 3_000


def test_the_restored_server_runs_and_its_keys_open(backed_up: BackedUp, folder: Path, stack: Stack) -> None:
    url = stack.create_database("template1")
    settings = {DATABASE_URL: url, "WHETSTONE_REDIS_URL": stack.redis_database()}
    ran = cli("restore", backed_up.path, WHETSTONE_SECRET_KEY=SECRET, **settings)
    assert ran.returncode == 0, ran.stderr
    again = cli("backup", folder / "again.zip", WHETSTONE_SECRET_KEY=SECRET, **settings)
    assert (again.returncode, again.stderr) == (0, "")
    assert verified(folder / "again.zip").provider_keys == 2, "they open with the same secret"
    with start_application(folder / "third", url, settings["WHETSTONE_REDIS_URL"]) as third:
        third.wait_until_ready()
        key = third.run("key", "create", "--workspace", "kept", "--name", "n", "--role", "admin").stdout
        client = Client(third.url, key.strip())
        for file_id, version_id in random.sample(sorted(backed_up.before.items()), 20):
            found = client.call("GET", f"/datasets/{file_id}")
            assert found["version_id"] == version_id
        with psycopg.connect(dsn(url), autocommit=True) as connection:
            deadline = time.monotonic() + 120
            # The endpoint is the one of the first server: the run that was going on goes on, and ends.
            while connection.execute("select status from run").fetchone() != ("completed",):
                assert time.monotonic() < deadline
                time.sleep(0.1)


@pytest.mark.parametrize("given", [{}, {"WHETSTONE_SECRET_KEY": "another one"}])
def test_a_wrong_secret_is_said_before_anything_is_changed(
    backed_up: BackedUp, folder: Path, given: Mapping[str, str]
) -> None:
    home = folder / f"wrong-{len(given)}"
    ran = cli("restore", backed_up.path, "--home", home, **given)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(
        f"Wrong secret: 2 keys of providers and tools in {backed_up.path} open only with the secret"
    )
    assert backed_up.manifest.secret in ran.stderr
    assert SECRET not in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not list(home.glob("pg*")), "no database was even made"


def test_a_lost_secret_costs_the_keys_only(backed_up: BackedUp, stack: Stack) -> None:
    given = {DATABASE_URL: stack.create_database("template1"), "WHETSTONE_SECRET_KEY": "another one"}
    ran = cli("restore", backed_up.path, "--without-secret", **given)
    assert ran.returncode == 0, ran.stderr


def test_a_secret_in_the_backup_is_taken_over(backed_up: BackedUp, folder: Path) -> None:
    path, home = folder / "with secret.zip", folder / "fourth"
    made = backed_up.running.run("backup", str(path), "--with-secret")
    assert made.returncode == 0, made.stderr
    assert "It holds the secret" in made.stdout
    assert SECRET not in made.stdout
    ran = cli("restore", path, "--home", home)
    assert ran.returncode == 0, ran.stderr
    kept = open_layout(home).root / "application.secret"
    assert kept.read_text() == SECRET
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_what_is_there_is_only_overwritten_by_name(backed_up: BackedUp, stack: Stack) -> None:
    url = stack.create_database()
    name = url.rpartition("/")[2]
    given = {DATABASE_URL: url, "WHETSTONE_SECRET_KEY": SECRET}
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute("insert into workspace (id, slug, name) values ('ws_1', 'old', 'Old')")
        for words in ([], ["--overwrite", "other"]):
            ran = cli("restore", backed_up.path, *words, **given)
            assert (ran.returncode, ran.stdout) == (1, "")
            assert f"--overwrite {name}" in ran.stderr
            assert connection.execute("select slug from workspace").fetchall() == [("old",)]
        ran = cli("restore", backed_up.path, "--overwrite", name, **given)
        assert ran.returncode == 0, ran.stderr
        assert connection.execute("select slug from workspace").fetchall() == [("kept",)]


def test_a_database_in_use_is_left_alone(backed_up: BackedUp) -> None:
    url = backed_up.running.database_url
    ran = cli(
        "restore", backed_up.path, "--overwrite", url.rpartition("/")[2],
        **{DATABASE_URL: url, "WHETSTONE_SECRET_KEY": SECRET},
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr == "Whetstone is using this database: stop it first. Nothing was changed.\n"


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_no_backup(backed_up: BackedUp, tmp_path: Path, part: float) -> None:
    whole, cut = backed_up.path.read_bytes(), tmp_path / "cut.zip"
    cut.write_bytes(whole[: int(len(whole) * part)])
    _is_refused(cut, "is not a whole backup")


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_changed_byte_is_noticed(backed_up: BackedUp, tmp_path: Path, part: float) -> None:
    data, changed = bytearray(backed_up.path.read_bytes()), tmp_path / "changed.zip"
    data[int(len(data) * part)] ^= 1
    changed.write_bytes(data)
    _is_refused(changed, "is not a whole backup")


def test_another_dump_in_the_file_is_noticed(backed_up: BackedUp, tmp_path: Path) -> None:
    """Its own checksum is right; that of the manifest is not."""
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(backed_up.path) as whole, zipfile.ZipFile(changed, "w") as other:
        other.writestr("manifest.json", whole.read("manifest.json"))
        other.writestr("database.sql", whole.read("database.sql") + b"\n")
    _is_refused(changed, "its checksum is another")


def test_a_file_that_somebody_made_up_starts_no_program(
    backed_up: BackedUp, stack: Stack, tmp_path: Path
) -> None:
    mark, hostile = tmp_path / "was here", tmp_path / "hostile.zip"
    with zipfile.ZipFile(backed_up.path) as whole:
        dump, manifest = whole.read("database.sql"), json.loads(whole.read("manifest.json"))
    key = re.search(rb"^\\restrict (\w+)$", dump, re.MULTILINE)
    assert key
    dump = dump.replace(
        b"\nCOPY ", b"\n\\unrestrict " + key[1] + b"\n\\! touch '" + bytes(mark) + b"'\nCOPY ", 1
    )
    manifest |= {"sha256": hashlib.sha256(dump).hexdigest(), "bytes": len(dump)}
    with zipfile.ZipFile(hostile, "w") as other:
        other.writestr("database.sql", dump)
        other.writestr("manifest.json", json.dumps(manifest))

    ran = cli(
        "restore",
        hostile,
        **{DATABASE_URL: stack.create_database("template1"), "WHETSTONE_SECRET_KEY": SECRET},
    )

    assert ran.returncode != 0
    assert "restrict" in ran.stderr
    assert not mark.exists()


@pytest.mark.parametrize(
    "manifest", [b"[]", b"{}", b'"text"', b'{"format": 1, "rows": []}', b"x" * (2 << 20)], ids=len
)
def test_a_manifest_of_another_shape_is_no_backup(
    backed_up: BackedUp, tmp_path: Path, manifest: bytes
) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(changed, "w") as other:
        other.writestr("database.sql", b"")
        other.writestr("manifest.json", manifest)
    _is_refused(changed, "")


def _is_refused(path: Path, why: str) -> None:
    # An address where nobody answers: the file is looked at first.
    given = {DATABASE_URL: "postgresql://127.0.0.1:1/x", "WHETSTONE_SECRET_KEY": SECRET}
    ran = cli("restore", path, **given)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert why in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_full_disk_leaves_nothing_behind(backed_up: BackedUp, tmp_path: Path) -> None:
    settings = backed_up.running.settings()
    given = {name: settings[name] for name in (DATABASE_URL, "WHETSTONE_REDIS_URL", "WHETSTONE_SECRET_KEY")}
    path = tmp_path / "full.zip"
    ran = cli_limited(50_000, "backup", path, **given)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"{path} cannot be written (File too large): no backup was made")
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_backup_is_never_named_like_a_whole_one(backed_up: BackedUp, tmp_path: Path) -> None:
    settings = backed_up.running.settings()
    given = {name: settings[name] for name in (DATABASE_URL, "WHETSTONE_REDIS_URL", "WHETSTONE_SECRET_KEY")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    path = tmp_path / "cut.zip"
    words = [sys.executable, "-m", "app.cli", "backup", str(path)]
    with subprocess.Popen(words, cwd=CLONE, env={**kept, **given}, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".cut.zip.partial-*")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        during = backed_up.running.run("backup", str(tmp_path / "beside.zip"))
        assert during.returncode == 0, during.stderr
        left = list(tmp_path.glob(".cut.zip.partial-*"))
        process.send_signal(signal.SIGKILL)
    assert not path.exists()
    assert left, "another backup at the same time leaves it alone"
    after = backed_up.running.run("backup", str(tmp_path / "after.zip"))
    assert after.returncode == 0, after.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["after.zip", "beside.zip"]


def test_a_file_that_is_there_is_not_replaced(backed_up: BackedUp) -> None:
    before = backed_up.path.read_bytes()
    ran = backed_up.running.run("backup", str(backed_up.path))
    assert ran.returncode == 1
    assert re.match(r".* is there already: a backup never replaces a file\.", ran.stderr)
    assert backed_up.path.read_bytes() == before


def test_a_restore_that_is_cut_off_changes_nothing(backed_up: BackedUp, stack: Stack) -> None:
    url = stack.create_database()
    given = {DATABASE_URL: url, "WHETSTONE_SECRET_KEY": SECRET}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    with psycopg.connect(dsn(url), autocommit=True) as connection:
        connection.execute("insert into workspace (id, slug, name) values ('ws_1', 'old', 'Old')")
        words = ["restore", str(backed_up.path), "--overwrite", url.rpartition("/")[2]]
        with subprocess.Popen(
            [sys.executable, "-m", "app.cli", *words], cwd=CLONE, env={**kept, **given}
        ) as process:
            deadline = time.monotonic() + 60
            busy = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'psql'"
            while connection.execute(busy).fetchone() == (0,):
                assert time.monotonic() < deadline
                assert process.poll() is None, "it was too fast"
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        while connection.execute(busy).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert connection.execute("select slug from workspace").fetchall() == [("old",)]
