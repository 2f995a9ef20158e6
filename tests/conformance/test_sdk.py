"""What users of the Humanloop SDK do with files, by the unmodified package. The scripts assert what they see."""

import re
import subprocess
from pathlib import Path

import pytest

from app.core.database import unit_of_work
from app.embedded.layout import CLONE
from app.providers.service import ProviderChange, create_provider
from tests import factories
from tests.conformance.conftest import BETA, HERE, NEWEST, Sdk
from tests.endpoint import Endpoint
from tests.fault_provider import running_fault_provider
from tests.generations.model_server import running_model

SCRIPTS = ("prompts", "datasets", "evaluators", "directories", "mistakes", "logs", "tools", "every_file")
WHOLE = (
    "evaluations",
    "repeated_evaluations",
    "builtins",
    "server_evaluations",
    "runs_of_logs",
    "steered_runs",
    "runs",
)
"""Those that need workers."""
IN_NODE = ("files", "logs", "evaluations")
CONSTRAINTS = CLONE / "docs" / "humanloop-constraints.txt"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_a_user_runs(sdk: Sdk, script: str) -> None:
    assert sdk.run(script) == {"done": script}


def test_decorated_functions_become_traces(sdk: Sdk, endpoint: Endpoint) -> None:
    assert sdk.run("decorators", endpoint=endpoint.base_url) == {"done": "decorators"}


def test_prompts_are_called_whole_and_streamed(sdk: Sdk, committed_team: factories.Team) -> None:
    key = "sk-of-one-call"
    with running_model() as model, running_fault_provider() as failing:
        with unit_of_work() as session:
            for name, url in (("openai", model.url), ("failing", failing.url)):
                change = ProviderChange(name=name, base_url=url, api_key="stored")
                create_provider(session, committed_team.admin, change)
        assert sdk.run("calls", key=key, fault="FAULT<no such model>") == {"done": "calls"}
    sent = [headers["authorization"] for headers, _ in model.asked]

    assert sent.count(f"Bearer {key}") == 1
    assert model.bodies[0]["tools"][0]["function"]["name"] == "weather"
    assert {body["temperature"] for body in model.bodies if "tools" in body} == {0.5}
    assert all("max_tokens" not in body for body in model.bodies)


def test_files_are_pulled_and_run_from_a_directory(sdk: Sdk, committed_team: factories.Team) -> None:
    with running_model() as model:
        with unit_of_work() as session:
            change = ProviderChange(name="openai", base_url=model.url, api_key="stored")
            create_provider(session, committed_team.admin, change)
        assert sdk.run("local_files", BETA) == {"done": "local_files"}
    assert [body["temperature"] for body in model.bodies] == [0.9]


@pytest.mark.long
@pytest.mark.parametrize("script", WHOLE)
def test_evaluations_run_from_end_to_end(whole: Sdk, endpoint: Endpoint, script: str) -> None:
    assert whole.run(script, endpoint=endpoint.base_url) == {"done": script}


@pytest.mark.long
def test_a_decorated_flow_is_evaluated_also_where_its_spans_cannot_be_marked(whole: Sdk) -> None:
    """The package loses the run and the row on the way from opentelemetry-sdk 1.43 on: both are known by the inputs."""
    assert whole.run("newest_spans", NEWEST) == {"done": "newest_spans"}


@pytest.mark.long
@pytest.mark.parametrize("script", IN_NODE)
def test_a_script_for_node_runs(whole: Sdk, endpoint: Endpoint, script: str) -> None:
    assert whole.run_node(script, endpoint=endpoint.base_url) == {"done": script}


def test_every_script_is_run() -> None:
    assert {path.stem for path in (HERE / "node").glob("*.mjs")} == {*IN_NODE, "client"}
    assert {path.stem for path in (HERE / "scripts").glob("*.py")} == {
        *SCRIPTS,
        *WHOLE,
        "calls",
        "decorators",
        "local_files",
        "newest_spans",
    }


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
