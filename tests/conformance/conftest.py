"""The real Humanloop SDK against a real web process: scripts as its users write them, in an environment of their own."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.core.database import unit_of_work
from tests import factories
from tests.application import start_application
from tests.endpoint import Endpoint, running_endpoint
from tests.faults.doors import Doors
from tests.web_process import running_web

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
NEWEST = HERE / "newest" / ".venv" / "bin" / "python"
"""With what the SDK's own pins allow today, and not what users are told to keep to."""
BETA = HERE / "beta" / ".venv" / "bin" / "python"
"""With the last betas of the SDK."""
NODE = HERE / "node"
_LONGEST_S = 120


@dataclass(frozen=True)
class Sdk:
    """A workspace as the SDK sees it: an address and a key."""

    url: str
    key: str

    def run(self, script: str, python: Path = PYTHON, **values: Any) -> Any:
        """What `scripts/{script}.py` prints, read as JSON. It is given `values` as JSON, too, and fails the test if it
        fails. Nothing but loopback answers it."""
        return self._run([str(python), str(HERE / "scripts" / f"{script}.py")], values)

    def run_node(self, script: str, **values: Any) -> Any:
        """The same with `node/{script}.mjs`."""
        node = shutil.which("node")
        if node is None or not (NODE / "node_modules" / "humanloop").is_dir():
            pytest.skip("the TypeScript package needs Node.js and npm: install them, then ./whetstone test")
        return self._run([node, str(NODE / f"{script}.mjs")], values)

    def _run(self, command: list[str], values: dict[str, Any]) -> Any:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "HUMANLOOP_API_KEY": self.key,
            "HUMANLOOP_BASE_URL": f"{self.url}/v5",
            **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
            "no_proxy": "127.0.0.1",
        }
        ran = subprocess.run(
            [*command, json.dumps(values)],
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


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    """A provider."""
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, endpoint: Endpoint) -> Iterator[Sdk]:
    """The SDK with a whole application, workers included, whose workspace has the provider `endpoint`."""
    if not PYTHON.exists():
        pytest.skip("tests/conformance/.venv is not there: ./whetstone test makes it")
    home, quick = tmp_path_factory.mktemp("whole"), {"WHETSTONE_RUN_JUDGES_SILENCE_S": "20"}
    with start_application(home, environment=quick) as application:
        doors = Doors(application, "sdk")
        doors.client.call(
            "POST", "/providers", {"name": "endpoint", "base_url": endpoint.base_url, "api_key": "k"}
        )
        yield Sdk(application.url, doors.key)


@pytest.fixture
def sdk(web_url: str, database: Engine, committed_team: factories.Team) -> Sdk:
    """The SDK with the key of an admin."""
    with unit_of_work() as session:
        return Sdk(web_url, factories.key(session, committed_team.admin))
