"""`./whetstone check` finds what it is there to find: each of its programs fails on a planted fault."""

import shutil
from pathlib import Path

import pytest

from app.commands.check import PROGRAMS, complaint_of
from app.embedded.layout import CLONE

pytestmark = pytest.mark.timeout(120)
FAULTS = {
    "format": ("app/core/planted.py", '"""Planted."""\nx   =  1\n'),
    "lint": ("app/core/planted.py", '"""Planted."""\n\nimport os\n'),
    "types": ("app/core/planted.py", '"""Planted."""\n\nnumber: int = "one"\n'),
    "imports": (
        "app/core/planted.py",
        '"""Planted."""\n\nfrom app.evaluations import service\n\nprint(service)\n',
    ),
    "templates": ("templates/home/planted.html", "<div><p>never closed</div>\n<img src='x'>\n"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are checked, in a folder where faults can be planted."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("app", "worker", "templates"):
        shutil.copytree(CLONE / name, folder / name, ignore=shutil.ignore_patterns("data", "__pycache__"))
    for name in ("pyproject.toml", "whetstone"):
        shutil.copy2(CLONE / name, folder)
    return folder


def test_every_program_has_its_fault() -> None:
    assert FAULTS.keys() == PROGRAMS.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(copy: Path, name: str) -> None:
    path, text = FAULTS[name]
    planted = copy / path
    planted.write_text(text)
    try:
        assert "planted" in complaint_of(PROGRAMS[name], copy)
    finally:
        planted.unlink()
