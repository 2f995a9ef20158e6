"""The real Humanloop SDK against a real web process: scripts as its users write them, in an environment of their own."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.core.database import unit_of_work
from tests import factories
from tests.web_process import running_web

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
_LONGEST_S = 120


@dataclass(frozen=True)
class Sdk:
    """A workspace as the SDK sees it: an address and a key."""

    url: str
    key: str

    def run(self, script: str, **values: Any) -> Any:
        """What `scripts/{script}.py` prints, read as JSON. It is given `values` as JSON, too, and fails the test if it
        fails. Nothing but loopback answers it."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "HUMANLOOP_API_KEY": self.key,
            "HUMANLOOP_BASE_URL": f"{self.url}/v5",
            **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
            "no_proxy": "127.0.0.1",
        }
        ran = subprocess.run(
            [PYTHON, HERE / "scripts" / f"{script}.py", json.dumps(values)],
            env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
        return json.loads(ran.stdout.splitlines()[-1]) if ran.stdout.strip() else None


@pytest.fixture(scope="session")
def web_url(database_url: str) -> Iterator[str]:
    """A web process for all of these tests: each has a workspace of its own."""
    if not PYTHON.exists():
        pytest.skip("tests/conformance/.venv is not there: ./whetstone test makes it")
    with running_web() as web:
        yield web.url


@pytest.fixture
def sdk(web_url: str, database: Engine, committed_team: factories.Team) -> Sdk:
    """The SDK with the key of an admin."""
    with unit_of_work() as session:
        return Sdk(web_url, factories.key(session, committed_team.admin))
