"""Commands of backup and restore in processes of their own, and who writes meanwhile."""

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from app.embedded.layout import CLONE
from tests.bench.eval_throughput import Client

ROWS_EACH = 5

WRITERS = 3


class Writers:
    """Make datasets over the API until told to stop, and remember what was acknowledged."""

    def __init__(self, client: Client) -> None:
        self._client, self._stop = client, threading.Event()
        self.acknowledged: dict[str, str] = {}
        self._threads = [threading.Thread(target=self._write, args=[n]) for n in range(WRITERS)]

    def _write(self, writer: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            rows = [{"inputs": {"q": f"{writer}/{number}/{row}"}} for row in range(ROWS_EACH)]
            body = {"path": f"load {writer}/{number}", "datapoints": rows}
            made = self._client.call("POST", "/datasets", body)
            self.acknowledged[made["id"]] = made["version_id"]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 120
        while len(self.acknowledged) < count:
            assert time.monotonic() < deadline, f"{len(self.acknowledged)} of {count}"
            time.sleep(0.02)


def dsn(url: str) -> str:
    return url.replace("+psycopg", "")


def cli(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return cli_limited(None, *words, **environment)


def cli_limited(
    largest_file: int | None, *words: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command that can write files of at most `largest_file` bytes."""

    def limit() -> None:
        if largest_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    kept = {name: value for name, value in os.environ.items() if not name.startswith("WHETSTONE_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, words)], preexec_fn=limit,
        cwd=CLONE, env={**kept, **environment}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
