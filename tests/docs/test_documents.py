"""The documents say what is true: every setting, kind and command, and the example runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import COMMANDS
from app.core.settings import Settings
from app.evaluators.kinds import all_kinds
from tests import hostile_text
from tests.application import Application
from tests.core import test_bad_json, test_template_attacks, test_urlguard
from tests.docs import evaluator_examples, statistics_examples
from tests.fault_provider import FAULTS
from tests.sandbox.attacks import ATTACKS

ROOT = Path(__file__).parents[2]
INTERNAL = {"alive", "host", "port", "welcome", "web", "reaper"}


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "self-hosting.md").read_text()
    assert [name for name in Settings.model_fields if f"WHETSTONE_{name.upper()}" not in text] == []


def test_every_evaluator_kind_is_documented() -> None:
    text = (ROOT / "docs" / "evaluators.md").read_text()
    assert [kind.name for kind in all_kinds() if f"`{kind.name}`" not in text] == []


def test_the_reference_of_evaluators_is_what_they_do() -> None:
    """Where it differs, `.venv/bin/python -m tests.docs.evaluator_examples` writes it anew."""
    text = evaluator_examples.DOCUMENT.read_text()
    assert text.partition(evaluator_examples.BEGINS)[2] == f"\n{evaluator_examples.render()}"


def test_the_reference_of_statistics_is_what_they_are() -> None:
    """Where it differs, `.venv/bin/python -m tests.docs.statistics_examples` writes it anew."""
    text = statistics_examples.DOCUMENT.read_text()
    assert text.partition(statistics_examples.BEGINS)[2] == f"\n{statistics_examples.render()}"


def test_every_command_for_people_is_documented() -> None:
    text = (
        "\n".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
        + (ROOT / "CONTRIBUTING.md").read_text()
    )
    assert [
        name
        for name in COMMANDS
        if name not in INTERNAL and f"`{name}" not in text and f"whetstone {name}" not in text
    ] == []


def test_the_attacks_that_are_counted_are_as_many() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text()
    for said in (
        f"{len(set(test_urlguard.INSIDE))} spellings of what is inside, {len(set(test_urlguard.NO_ADDRESS))} of",
        f"{len(test_bad_json.REFUSED)} bodies",
        f"{len(test_template_attacks.PAYLOADS)} template attacks",
        f"{len(hostile_text.PAYLOADS)} scripts",
        f"{len(ATTACKS)} attacks on the sandbox",
        f"fails in one of {len(FAULTS)} ways",
    ):
        assert said in text, said


def test_every_row_of_the_issue_stands_in_the_tables_with_its_test() -> None:
    lines = (ROOT / "docs" / "reliability.md").read_text().splitlines()
    faults = {line.split(" | ")[0].strip("| "): line for line in lines if re.match(r"\| [RS]\d+ \|", line)}
    named = {f"R{n}" for n in (1, 2, *range(4, 24)) if n != 3} | {f"S{n}" for n in range(1, 26)}
    assert faults.keys() == named
    for row, line in faults.items():
        assert line.count(" | ") >= 4, f"{row} has a test and a figure"


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=str)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_example_runs(running_app: Application, tmp_path: Path) -> None:
    """Against the whole application, with its worker and the practice provider."""
    running_app.run("init", "--workspace", "Script", "--email", "script@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", "script", "--name", "script", "--role", "admin")
    key = tmp_path / "key.txt"
    key.write_text(made.stdout)

    script = ROOT / "docs" / "examples" / "compare.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), running_app.url, str(key)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "48 rows" in done.stdout
    assert re.search(r"better: \+0\.\d+|better: \+1\.000", done.stdout), done.stdout
