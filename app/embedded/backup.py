"""A backup: the whole database of one moment in one file, which is there whole or not at all.

The file is a zip of `manifest.json`, `database.sql` (what pg_dump writes) and, only if asked for, `secret`. The table of
contents of a zip stands at its end: what was cut off is not taken for a backup.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import conninfo, sql
from pydantic import TypeAdapter

from app.embedded.external import psycopg_url
from app.embedded.layout import StackError
from app.embedded.postgres import find_binaries
from app.embedded.service import plain_environment

FORMAT = 1
_MANIFEST, _DATABASE, _SECRET = "manifest.json", "database.sql", "secret"
_CHUNK = 1 << 20
_ENDING = 4096
"""Bytes at the end of a dump that surely hold its last lines."""
_MOST_MANIFEST = 1 << 20
_TABLES = """
    select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1
"""  # what an extension brought is its own

_OTHER_SCHEMAS = r"""
    select nspname from pg_namespace where nspname not in ('public', 'information_schema') and nspname not like 'pg\_%'
"""


@dataclass(frozen=True)
class Secret:
    """The secret of the server that is backed up, and what depends on it."""

    fingerprint: str
    """Says whether another secret is the same one; it does not give the secret away."""
    keys: int
    """Provider keys that only this secret opens."""
    value: str | None = None
    """The secret itself, where the backup is to hold it."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    made_at: str
    """UTC. The database is as it was then, or a few milliseconds later."""
    revision: str
    """The newest migration it had been through."""
    postgres: int
    """The major version of its server."""
    rows: dict[str, int]
    """By table."""
    secret: str
    """The fingerprint of the secret that opens its provider keys."""
    provider_keys: int
    """And variables of tools: it opens both."""
    holds_secret: bool
    bytes: int
    sha256: str
    """Of `database.sql`."""


def write_backup(path: Path, url: str, secret: Secret) -> Manifest:
    """Back up the database at `url` into the new file `path`, readable by its owner only, and read it back.

    The database can be used meanwhile: what was committed before is in it, what comes after is not, nothing is half. What
    earlier backups that were killed left in the folder is deleted.

    Raises:
        StackError: there is a file already, it cannot be written, or the database cannot be read; nothing is left.
    """
    if path.exists():
        raise StackError(f"{path} is there already: a backup never replaces a file. Give another name.")
    _delete_left_over(path.parent)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed, or its process is killed
            _write(file, url, secret)
            file.flush()
            os.fsync(file.fileno())
        manifest = verified(partial)
        partial.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StackError(
            f"{path} cannot be written ({error.strerror or error}): no backup was made, and nothing is left of it."
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return manifest


def _delete_left_over(folder: Path) -> None:
    """Delete what backups that were killed left in `folder`: it holds what the database held. Who is at one still has it
    locked."""
    for partial in folder.glob(".*.partial-*"):
        if re.fullmatch(r"\..+\.partial-\d+", partial.name):
            with suppress(OSError), partial.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                partial.unlink()


def _write(file: IO[bytes], url: str, secret: Secret) -> None:
    with (
        _snapshot(url) as (connection, snapshot),
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
    ):
        digest, size = hashlib.sha256(), 0
        words = ["pg_dump", "--no-owner", "--no-privileges", "--encoding=UTF8", f"--snapshot={snapshot}"]
        # Not `--schema=public`: that would dump the making of a schema that every database has.
        words += [f'--exclude-schema="{name}"' for (name,) in connection.execute(_OTHER_SCHEMAS)]
        with archive.open(_DATABASE, "w", force_zip64=True) as member, _program(url, words) as program:
            while chunk := program.stdout.read(_CHUNK):
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        if secret.value is not None:
            archive.writestr(_SECRET, secret.value)
        manifest = Manifest(
            FORMAT, datetime.now(UTC).isoformat(timespec="seconds"), _revision(connection),
            connection.info.server_version // 10000, _rows(connection), secret.fingerprint, secret.keys,
            secret.value is not None, size, digest.hexdigest(),
        )  # fmt: skip
        archive.writestr(_MANIFEST, json.dumps(asdict(manifest), indent=1))


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A transaction and the name of what it sees, which pg_dump is to see too: so the counts are those of the dump."""
    with psycopg.connect(psycopg_url(url), connect_timeout=5) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("select pg_export_snapshot()").fetchone()
        yield connection, row[0] if row else ""


def _revision(connection: psycopg.Connection[Any]) -> str:
    try:
        found = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        found = None
    if not found:
        raise StackError("The database has no tables of Whetstone: there is nothing to back up.")
    return str(found[0])


def _rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    counts = {}
    for (table,) in connection.execute(_TABLES).fetchall():
        query = sql.SQL("select count(*) from public.{}").format(sql.Identifier(table))
        counts[table] = int((connection.execute(query).fetchone() or [0])[0])
    return counts


def filled_tables(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables that have rows, but for Alembic's own."""
    filled = []
    for (table,) in connection.execute(_TABLES).fetchall():
        query = sql.SQL("select exists (select from public.{})").format(sql.Identifier(table))
        if table != "alembic_version" and (connection.execute(query).fetchone() or [False])[0]:
            filled.append(table)
    return filled


@contextmanager
def _program(url: str, words: list[str], stdin: int = subprocess.DEVNULL) -> Iterator[Any]:
    """A program of Postgres on the database at `url`, whose password is not on its command line.

    Raises:
        StackError: it failed; with its last line.
    """
    binaries, _ = find_binaries()
    parts = conninfo.conninfo_to_dict(psycopg_url(url))
    password = parts.pop("password", None)
    environment = plain_environment(**({"PGPASSWORD": str(password)} if password else {}))
    where = f"--dbname={conninfo.make_conninfo('', **parts)}"
    with tempfile.TemporaryFile() as errors:
        program = subprocess.Popen(
            [binaries / words[0], *words[1:], where],
            stdin=stdin, stdout=subprocess.PIPE if stdin == subprocess.DEVNULL else subprocess.DEVNULL,
            stderr=errors, env=environment, cwd="/",
        )  # fmt: skip
        try:
            with suppress(BrokenPipeError):  # it ended early, and says why on stderr
                yield program
        except BaseException:
            program.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                if program.stdin:
                    program.stdin.close()
            if program.stdout:
                program.stdout.close()
            code = program.wait()
        if code:
            errors.seek(0)
            said = [line for line in errors.read().decode(errors="replace").splitlines() if line.strip()]
            first = next((line for line in said if "ERROR" in line or "error" in line), None)
            raise StackError(f"{words[0]} failed: {first or (said or [f'exit code {code}'])[-1]}")


def _sync_folder(folder: Path) -> None:
    """Make the new name itself outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def verified(path: Path) -> Manifest:
    """What the backup says of itself, once every byte of it was read and is what was written.

    Raises:
        StackError: it is no backup, was cut off or changed, or this version does not know its format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            with archive.open(_MANIFEST) as said_of_itself:
                said = said_of_itself.read(_MOST_MANIFEST)
            if json.loads(said).get("format") != FORMAT:
                raise StackError(f"{path} is a backup of another format: restore it with a newer Whetstone.")
            manifest = TypeAdapter(Manifest).validate_json(said, strict=True)
            digest = hashlib.sha256()
            with archive.open(_DATABASE) as member:
                while chunk := member.read(_CHUNK):
                    digest.update(chunk)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise StackError(
            f"{path} is not a whole backup: it was cut off, changed, or never was one. Nothing was restored."
        ) from error
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror or error}.") from error
    if digest.hexdigest() != manifest.sha256:
        raise StackError(
            f"{path} was changed after it was made: its checksum is another. Nothing was restored."
        )
    return manifest


def secret_in(path: Path) -> str:
    """The secret that the backup holds."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(_SECRET).decode()


def load(path: Path, url: str, manifest: Manifest) -> None:
    """Put what the backup holds in the place of everything that is in the database: all of it, or nothing.

    In one transaction: the tables go, those of the backup come, and the rows of each are counted. Its end is part of
    what is sent: psql, which takes the end of its input for the end of the work, must not commit what was cut off.

    Raises:
        StackError: it could not; the database is as it was.
    """
    words = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
    key = secrets.token_hex(16)
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(_DATABASE) as member,
        _program(url, words, stdin=subprocess.PIPE) as program,
    ):
        # From here on psql obeys SQL only: a file that somebody made up starts no program on this machine.
        program.stdin.write(f"\\restrict {key}\n".encode())
        program.stdin.write(_TAKE_AWAY.encode())
        for chunk in _without_restriction(member):
            program.stdin.write(chunk)
        program.stdin.write(_count_again(manifest.rows).encode())


def _without_restriction(member: IO[bytes]) -> Iterator[bytes]:
    """The dump but for the two lines in which pg_dump restricts psql with a key of its own, near its ends."""
    head = member.read(_CHUNK)
    held = re.sub(rb"^\\restrict \w+\n", b"", head, count=1, flags=re.MULTILINE)
    while chunk := member.read(_CHUNK):
        held += chunk
        yield held[:-_ENDING]
        held = held[-_ENDING:]
    yield re.sub(rb"^\\unrestrict \w+\n", b"", held, count=1, flags=re.MULTILINE)


_TAKE_AWAY = f"""
begin;
set lock_timeout = '10s';
do $take_away$
declare name text;
begin
    for name in {_TABLES} loop
        execute format('drop table public.%I cascade', name);
    end loop;
    for name in select p.oid::regprocedure from pg_proc p where p.pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') loop
        execute format('drop routine %s cascade', name);
    end loop;
end $take_away$;
"""  # noqa: S608 - our own constant


def _count_again(rows: dict[str, int]) -> str:
    checks = "\n".join(
        f"""
        if (select count(*) from {_quoted(table)}) <> {count} then
            raise exception 'the table % does not have its % rows', {_literal(table)}, {count};
        end if;"""  # noqa: S608 - quoted below
        for table, count in rows.items()
    )
    return f"\ndo $count_again$\nbegin\n{checks}\nend $count_again$;\ncommit;\n"


def _quoted(table: str) -> str:
    return 'public."' + table.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
