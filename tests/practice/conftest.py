"""A practice provider in a process of its own, as the product runs it."""

import os
import socket
import subprocess
import sys
import time

import pytest
from openai import OpenAI

from app.practice.keys import sign

SECRET = "a secret for tests"


def serve(*options):
    """(process, port): a provider that accepts connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.practice", "--port", str(port), *options]
    process = subprocess.Popen(
        command, env=os.environ | {"WHETSTONE_SECRET_KEY": SECRET}, stderr=subprocess.DEVNULL
    )
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise RuntimeError("the practice provider did not start")


@pytest.fixture(scope="session")
def provider():
    """The address of a provider without faults."""
    process, port = serve()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def client(provider):
    """The client that the product uses, without retries of its own."""
    with OpenAI(base_url=f"{provider}/practice/v1", api_key=sign(SECRET, "ws_1"), max_retries=0) as client:
        yield client
