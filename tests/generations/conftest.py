"""The practice provider in a process of its own, for pages and runs that call a model."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from app.core.settings import get_settings

PRACTICE_URL = "WHETSTONE_PRACTICE_URL"


@pytest.fixture(scope="session")
def practice_url() -> Iterator[str]:
    """The base URL of a practice provider that takes the keys of this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.practice", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the practice provider ended"
            assert time.monotonic() < deadline, "the practice provider did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/practice/v1"
        process.terminate()


@pytest.fixture
def practice(practice_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The settings lead to the practice provider."""
    monkeypatch.setitem(os.environ, PRACTICE_URL, practice_url)
    get_settings.cache_clear()
    yield practice_url
    monkeypatch.undo()
    get_settings.cache_clear()
