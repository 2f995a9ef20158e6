"""A web process of its own, on the database of the test: for what a browser or a profiler has to look at."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class WebProcess:
    """Its address, and its pid."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time that it has used: unlike the clock, it does not count what others do."""
        used = psutil.Process(self.pid).cpu_times()
        return used.user + used.system

    def memory(self) -> int:
        """Bytes of memory that it has."""
        return psutil.Process(self.pid).memory_info().rss


@contextmanager
def running_web() -> Iterator[WebProcess]:
    """`web` with the settings of this process, once it accepts connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "web", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ.copy(), stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not _accepts(port):
                assert process.poll() is None, "it ended"
                assert time.monotonic() < deadline, "it does not accept connections"
                time.sleep(0.05)
            yield WebProcess(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
