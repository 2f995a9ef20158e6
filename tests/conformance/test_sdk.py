"""What users of the Humanloop SDK do with files, by the unmodified package. The scripts assert what they see."""

import re
import subprocess
from pathlib import Path

import pytest

from app.embedded.layout import CLONE
from tests.conformance.conftest import HERE, Sdk
from tests.endpoint import Endpoint

SCRIPTS = ("prompts", "datasets", "evaluators", "directories", "mistakes", "logs", "tools")
WHOLE = ("evaluations", "server_evaluations")
"""Those that need workers."""
IN_NODE = ("files", "logs", "evaluations")
CONSTRAINTS = CLONE / "docs" / "humanloop-constraints.txt"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_a_user_runs(sdk: Sdk, script: str) -> None:
    assert sdk.run(script) == {"done": script}


def test_decorated_functions_become_traces(sdk: Sdk, endpoint: Endpoint) -> None:
    assert sdk.run("decorators", endpoint=endpoint.base_url) == {"done": "decorators"}


@pytest.mark.long
@pytest.mark.parametrize("script", WHOLE)
def test_evaluations_run_from_end_to_end(whole: Sdk, script: str) -> None:
    assert whole.run(script) == {"done": script}


@pytest.mark.long
@pytest.mark.parametrize("script", IN_NODE)
def test_a_script_for_node_runs(whole: Sdk, endpoint: Endpoint, script: str) -> None:
    assert whole.run_node(script, endpoint=endpoint.base_url) == {"done": script}


def test_every_script_is_run() -> None:
    assert {path.stem for path in (HERE / "node").glob("*.mjs")} == {*IN_NODE, "client"}
    assert {path.stem for path in (HERE / "scripts").glob("*.py")} == {*SCRIPTS, *WHOLE, "decorators"}


def _pins(path: Path) -> dict[str, tuple[int, ...]]:
    """The version of each package in a lock, as numbers."""
    found = re.findall(r"^([a-z0-9-]+)==([0-9.]+)", path.read_text(), re.MULTILINE)
    return {name: tuple(map(int, version.rstrip(".").split("."))) for name, version in found}


def test_what_is_tested_is_what_users_are_told_to_install() -> None:
    pins = _pins(HERE / "requirements.lock")
    assert pins["humanloop"] == (0, 8, 38)
    limits = re.findall(r"^([a-z-]+)<([0-9.]+)$", CONSTRAINTS.read_text(), re.MULTILINE)
    assert len(limits) == 10
    for name, limit in limits:
        assert pins[name] < tuple(map(int, limit.split("."))), name
    assert "-c ../../docs/humanloop-constraints.txt" in (HERE / "requirements.in").read_text()


def test_without_requests_the_package_cannot_be_imported(sdk: Sdk) -> None:
    """The trap that the migration page warns of: if this fails, the page can be shorter."""
    code = "import sys; sys.modules['requests'] = None; import humanloop"
    ran = subprocess.run(
        [HERE / ".venv" / "bin" / "python", "-c", code], capture_output=True, text=True, check=False
    )
    assert "ModuleNotFoundError" in ran.stderr
