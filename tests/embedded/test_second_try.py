"""`test --again`: a test that fails beside others and passes alone is a slow moment; one that fails twice is a fault."""

import os
from pathlib import Path

import pytest

from app.commands.test import run_pytest

UNSTEADY = """
import pathlib
def test_unsteady():
    seen = pathlib.Path("seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("a slow moment")
"""
GROUPED = "import pytest\npytestmark = pytest.mark.xdist_group('some')\n" + UNSTEADY
BROKEN = "def test_broken():\n    assert 1 == 2\n"


def _code(folder: Path, *, again: bool, **files: str) -> int:
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    return run_pytest(folder, ["-n", "2", "-q", "--dist", "loadgroup"], dict(os.environ), again=again)


MANY = """
import pathlib, pytest
@pytest.mark.parametrize("n", range(11))
def test_unsteady(n):
    seen = pathlib.Path(f"seen-{n}")
    if not seen.exists():
        seen.touch()
        raise AssertionError("a broken machine")
"""


@pytest.mark.parametrize(
    ("again", "files", "passes"),
    [
        (True, {"unsteady": UNSTEADY}, True),
        (True, {"grouped": GROUPED}, True),
        (False, {"unsteady": UNSTEADY}, False),
        (True, {"unsteady": UNSTEADY, "broken": BROKEN}, False),
        (True, {"cut": "def test_"}, False),
        (True, {"many": MANY}, False),
    ],
)
def test_what_fails_gets_a_second_try_alone(
    tmp_path: Path, again: bool, files: dict[str, str], passes: bool
) -> None:
    assert (_code(tmp_path, again=again, **files) == 0) == passes
