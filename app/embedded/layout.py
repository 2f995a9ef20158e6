"""Where one installation keeps its state: databases, secrets, ports, logs, and who holds them now."""

import fcntl
import hashlib
import json
import os
import secrets
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[2]
SYSTEM_STATE = Path("/var/lib/whetstone")
_LOCATION = "location"
NEXT_SECRET = "application-next"  # noqa: S105 - the name of one
"""The name of the secret that a rotation goes over to, from its beginning to its end."""


class StackError(Exception):
    """Starting or finding the stack failed; the message is one line that says how to fix it."""


class AlreadyRunning(StackError):
    """Another process holds the installation."""


@dataclass(frozen=True)
class Layout:
    """The folder of one installation, and the files in it."""

    root: Path

    @property
    def logs(self) -> Path:
        """Where the processes' logs lie."""
        return self.root / "logs"

    @property
    def processes(self) -> Path:
        """Which processes were started, by pid and start time."""
        return self.root / "processes.json"

    @property
    def _ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def _settings(self) -> Path:
        return self.root / "settings.json"

    def secret(self, name: str) -> str:
        """The secret called `name`: generated on first use, readable by its owner only."""
        path = self.root / f"{name}.secret"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text().strip()

    def find_secret(self, name: str) -> str:
        """The secret called `name`; empty while there is none."""
        path = self.root / f"{name}.secret"
        return path.read_text().strip() if path.exists() else ""

    def set_secret(self, name: str, value: str) -> None:
        """Put `value` in the place of the secret called `name`."""
        write_private(self.root / f"{name}.secret", value)

    def forget_secret(self, name: str) -> None:
        """Take the secret called `name` away."""
        (self.root / f"{name}.secret").unlink(missing_ok=True)

    def port(self, name: str) -> int:
        """A free loopback port: the one that `name` had the last time, unless somebody took it."""
        port = self.last_port(name)
        if not _is_free(port):
            port = _free_port()
            write_private(self._ports, json.dumps({**_read_json(self._ports), name: port}))
        return port

    def last_port(self, name: str) -> int:
        """The loopback port that `name` had the last time; 0 for none."""
        return int(_read_json(self._ports).get(name, 0))

    def publish(self, settings: Mapping[str, str] | None) -> None:
        """Leave the running stack's settings for commands in other terminals; None takes them back."""
        if settings is None:
            self._settings.unlink(missing_ok=True)
        else:
            write_private(self._settings, json.dumps(settings))

    def settings(self) -> dict[str, str]:
        """The settings of the stack that runs here; empty when none does, or while it is starting."""
        return _read_json(self._settings)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold this folder for one process at a time.

        Raises:
            AlreadyRunning: another process holds it.
        """
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = self.settings().get("WHETSTONE_PUBLIC_URL", "")
            where = f" at {address}" if address else ""
            raise AlreadyRunning(
                f"Whetstone is running already{where} (its data: {self.root})."
                " Stop that one first, or give this one its own --home."
            ) from None
        else:
            yield
        finally:
            os.close(lock)


def open_layout(home: Path, *, holds_postgres: bool = True, system_state: Path = SYSTEM_STATE) -> Layout:
    """The installation in `home`, made if it is not there.

    Postgres never runs as root. Where root starts it (`holds_postgres`) below a folder that other users cannot enter,
    everything lies in `/var/lib/whetstone/<hash of the path>` (`system_state`) instead, and `location` in `home` says so. The mode of a
    folder that was there before is never changed.

    Raises:
        StackError: the folder cannot be made or written to.
    """
    home = home.expanduser().absolute()
    _make(home)
    location = home / _LOCATION
    if location.exists():
        root = Path(location.read_text().strip())
    elif os.geteuid() != 0 or can_others_enter(home) or not holds_postgres:
        return Layout(home)
    else:
        root = system_state / hashlib.sha256(str(_named_by(home)).encode()).hexdigest()[:16]
        write_private(location, f"{root}\n")
    _make(root)
    if os.geteuid() == 0 and not can_others_enter(root):
        raise StackError(
            f"Postgres runs without root's rights and cannot enter {root}: choose another --home."
        )
    return Layout(root)


def _named_by(home: Path) -> Path:
    """The default home goes by its clone's path; another one by its own."""
    return CLONE if home == CLONE / ".whetstone" else home


def can_others_enter(path: Path) -> bool:
    """Whether a user without rights of its own can get to what lies at `path`."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _make(folder: Path) -> None:
    # Root's new folders let the unprivileged user of Postgres pass, whatever the umask; what is secret has mode 0600.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            missing.mkdir(exist_ok=True)
            missing.chmod(mode)
        with (folder / "lock").open("a"):
            pass
    except OSError as error:
        raise StackError(
            f"{folder} cannot be written to ({error.strerror}): give a folder of yours with --home or WHETSTONE_HOME."
        ) from error


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections just closed do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return port != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
