"""The whole application in processes of its own, for tests that need it to be real: browsers, crashes, load."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.core.health import KEPT_S
from app.embedded import processes
from app.embedded.layout import CLONE

SECRET = "only-for-tests"


@dataclass
class Application:
    """A running `./whetstone up`."""

    supervisor: subprocess.Popen[str]
    home: Path
    environment: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    """What it printed so far."""
    _arrived: "queue.Queue[str | None]" = field(default_factory=queue.Queue)

    @property
    def url(self) -> str:
        """The address that it printed."""
        return self.printed(r"Whetstone is running:\s+(\S+)")

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of its database."""
        return self.settings()["WHETSTONE_DATABASE_URL"]

    @property
    def root(self) -> Path:
        """Where its data are: its home, or where `location` points."""
        location = self.home / "location"
        return Path(location.read_text().strip()) if location.exists() else self.home

    def settings(self) -> dict[str, str]:
        """The settings of its processes."""
        return json.loads((self.root / "settings.json").read_text())

    def printed(self, pattern: str) -> str:
        """The group of `pattern` in what it printed."""
        found = re.search(pattern, "\n".join(self.lines))
        assert found, f"{pattern} was not printed:\n" + "\n".join(self.lines)
        return found.group(1)

    def wait_for(self, pattern: str, timeout_s: float = 180) -> None:
        """Return once a printed line matches; fail when it ends or is silent for too long."""
        deadline = time.monotonic() + timeout_s
        while not any(re.search(pattern, line) for line in self.lines):
            try:
                line = self._arrived.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"No {pattern} within {timeout_s} s:\n" + "\n".join(self.lines)
                ) from None
            assert line is not None, f"It ended before {pattern}:\n" + "\n".join(self.lines)
            self.lines.append(line)

    def read_on(self) -> None:
        """Take up what was printed in the meantime."""
        while not self._arrived.empty():
            if line := self._arrived.get():
                self.lines.append(line)

    def get(self, path: str, timeout_s: float = 5) -> tuple[int, bytes]:
        """Status and body of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout_s) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def wait_until_ready(self, timeout_s: float = 180) -> None:
        """Return once database, broker, workers and practice provider are ready."""
        deadline = time.monotonic() + timeout_s
        time.sleep(KEPT_S)  # what was found before this moment is no answer
        while True:
            try:
                status, body = self.get("/health/ready")
            except OSError as error:  # its pages are being started again
                status, body = 0, str(error).encode()
            if status == 200:
                return
            assert time.monotonic() < deadline, body.decode()
            time.sleep(0.1)

    def children(self) -> dict[str, int]:
        """The pids of its processes by name: postgres, valkey, practice, web-1 …, reaper, worker, guard."""
        _, children = processes.recorded(self.root / "processes.json")
        return {child.name: child.pid for child in children}

    def all_processes(self) -> list[psutil.Process]:
        """Everything that it started, and what those started."""
        found = []
        for pid in self.children().values():
            try:
                leader = psutil.Process(pid)
                found += [leader, *leader.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return found

    def pool_children(self) -> list[int]:
        """The pids of the worker's pool processes; none while the worker itself is being started again."""
        try:
            return [child.pid for child in psutil.Process(self.children().get("worker", -1)).children()]
        except (psutil.NoSuchProcess, ValueError):
            return []

    def kill(self, name: str) -> int:
        """Kill one of its processes as a crash would, and return its pid."""
        pid = self.children()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_restarted(self, name: str, killed: int, timeout_s: float = 60) -> int:
        """Return the pid of the process that took the killed one's place."""
        deadline = time.monotonic() + timeout_s
        while (pid := self.children().get(name, killed)) == killed:
            self.read_on()
            said = "\n".join(self.lines)
            assert time.monotonic() < deadline, f"{name} was not started again:\n{said}"
            time.sleep(0.02)
        return pid

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command on its home, as in another terminal."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments, "--home", str(self.home)],
            env={**self.environment}, cwd=CLONE, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 90) -> int:
        """Ask it to stop; its exit code."""
        self.supervisor.send_signal(number)
        return self.supervisor.wait(timeout_s)


@contextmanager
def start_application(
    home: Path,
    database_url: str | None = None,
    redis_url: str | None = None,
    *arguments: str,
    demo: bool = False,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Application]:
    """`./whetstone up` on a free port, running when this is entered and gone when it is left.

    Without URLs it starts its own databases. `user` is whom it runs as, where the tests run as root.
    """
    settings = {
        "WHETSTONE_DATABASE_URL": database_url,
        "WHETSTONE_REDIS_URL": redis_url,
        "WHETSTONE_SECRET_KEY": SECRET,
        "WHETSTONE_PRIVATE_HOSTS": "127.0.0.1",  # where the tests' own providers are
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    whole = {
        **kept,
        **{name: value for name, value in settings.items() if value},
        "PYTHONPATH": str(CLONE),
        **(environment or {}),
    }
    words = ["up", "--port", "0", "--home", str(home), *([] if demo else ["--no-demo"]), *arguments]
    as_user = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words],
        env=whole, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, **as_user,
    )  # fmt: skip
    running = Application(supervisor, home, whole)
    reader = threading.Thread(target=_read, args=[supervisor.stdout, running._arrived], daemon=True)
    reader.start()
    try:
        running.wait_for("Stop it with Ctrl-C")
        yield running
    finally:
        if supervisor.poll() is None:
            running.stop()
        reader.join(10)
        assert supervisor.stdout
        supervisor.stdout.close()


def _read(lines, arrived: "queue.Queue[str | None]") -> None:
    for line in lines:
        arrived.put(line.rstrip("\n"))
    arrived.put(None)
