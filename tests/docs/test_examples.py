"""The examples in the documents run as they stand there: commands in a shell, and Python with the real SDK."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.application import Application
from tests.conformance.conftest import PYTHON

DOCS = Path(__file__).parents[2] / "docs"
NAMED = ("api.md", "gate.md", "moving-from-humanloop.md")
KINDS = {"sh", "python"}
"""What is run; blocks of no kind are files, installations and the like."""
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOUD = 'set -euo pipefail\ncurl() { command curl -sS --fail-with-body "$@"; }\n'
"""Whatever fails ends the script, an answer that is an error, too."""
_LONGEST_S = 120


@dataclass(frozen=True)
class Workspace:
    """Where the examples run."""

    url: str
    key: str
    folder: Path

    def run(self, program: str | Path, script: str) -> str:
        """What a script prints. It fails the test if it fails."""
        file = self.folder / "example"  # decorators of the SDK read their functions' source
        file.write_text(script)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "WHETSTONE": self.url,
            "KEY": self.key,
            **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
            "no_proxy": "127.0.0.1",
        }
        ran = subprocess.run(
            [program, file], env=environment, cwd=self.folder, capture_output=True, text=True,
            timeout=_LONGEST_S, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
        return ran.stdout


@pytest.fixture(scope="module")
def workspace(running_app: Application, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A new workspace of the whole application, with an admin's key."""
    running_app.run("init", "--workspace", "Examples", "--email", "examples@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", "examples", "--name", "k", "--role", "admin")
    return Workspace(running_app.url, made.stdout.strip(), tmp_path_factory.mktemp("examples"))


def blocks(document: str, kind: str) -> list[str]:
    """The blocks of one kind in a document, in their order."""
    return [text for found, text in _BLOCK.findall((DOCS / document).read_text()) if found == kind]


def _python(workspace: Workspace, document: str) -> str:
    if not PYTHON.exists():
        pytest.skip("tests/conformance/.venv is not there: ./whetstone test makes it")
    script = "\n".join(blocks(document, "python"))
    ours = script.replace("http://localhost:8000", workspace.url).replace("whet_…", workspace.key)
    assert ours.count(workspace.key) == 1, "the client is made once"
    return workspace.run(PYTHON, ours)


def test_the_commands_and_the_sdk_of_the_api_guide_run(workspace: Workspace) -> None:
    """One after another: the Python calls the prompt that the commands wrote."""
    missing = [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    said = workspace.run("bash", LOUD + "\n".join(blocks("api.md", "sh")))
    assert "tour/right topic" in said, "the report"
    assert said.count("data: {") >= 2, "a stream has a piece and an end at least"
    assert '"question-17"' in said
    called = _python(workspace, "api.md")
    assert "refund" in called


def test_what_the_migration_page_shows_runs(workspace: Workspace) -> None:
    _python(workspace, "moving-from-humanloop.md")


@pytest.mark.parametrize("document", NAMED)
def test_what_looks_like_an_example_is_run(document: str) -> None:
    """A block is of a kind that is run, or of none, and then it holds no call of ours."""
    for kind, text in _BLOCK.findall((DOCS / document).read_text()):
        assert kind in KINDS | {""}, kind
        assert kind or not re.search(r"curl |Humanloop\(|client\.", text), text


def test_the_migration_page_installs_what_is_tested() -> None:
    told = re.findall(r"^pip install (.+)$", (DOCS / "moving-from-humanloop.md").read_text(), re.MULTILINE)
    assert told == re.findall(r"^pip install (.+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    asked = (PYTHON.parents[2] / "requirements.in").read_text()
    assert all(f"\n{name}\n" in asked for name in told[0].partition(" -c ")[0].split())
