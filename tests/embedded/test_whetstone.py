"""`whetstone` itself: it makes its environment, once, whatever happens, and explains what is in its way.

The clones here pin a tiny wheel of the test's own, so that nothing is fetched.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.cli import COMMANDS
from app.embedded.layout import CLONE, can_others_enter

BASE_PYTHON = sys._base_executable
"""A Python outside any environment, as a newcomer's."""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root and others do")


def make_wheel(folder: Path, name: str, files: dict[str, str]) -> str:
    """A wheel in `folder`; the line of a lock file that pins it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**content, f"{info}/RECORD": record}.items():
            wheel.writestr(file, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@dataclass
class Clone:
    """A clone with what `whetstone` needs and a command line that tells what it got."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def whetstone(
        self, *arguments: str, python: str = BASE_PYTHON, **options
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, str(self.folder / "whetstone"), *arguments],
            env=self.environment, capture_output=True, text=True, timeout=120, check=False, **options,
        )  # fmt: skip

    def lock(self, name: str, *lines: str) -> None:
        (self.folder / name).write_text("".join(lines))


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    folder, wheels = tmp_path / "clone", tmp_path / "wheels"
    wheels.mkdir()
    (folder / "app").mkdir(parents=True)
    shutil.copy(CLONE / "whetstone", folder)
    shutil.copytree(CLONE / "static" / "vendor", folder / "static" / "vendor")
    (folder / "app" / "__init__.py").touch()
    (folder / "app" / "cli.py").write_text("import sys, tiny; print(sys.argv[1:], tiny.WORD, sys.prefix)")
    tiny = make_wheel(wheels, "tiny", {"tiny.py": "WORD = 'tiny word'\n"})
    tool = make_wheel(wheels, "tool", {"tool.py": ""})
    made = Clone(folder)
    made.lock("requirements.lock", tiny)
    made.lock("requirements-test.lock", tiny, tool)
    made.environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return made


def test_the_first_run_makes_the_environment_and_the_second_uses_it(clone: Clone):
    first = clone.whetstone("up", "--port", "1")
    assert first.stdout == f"['up', '--port', '1'] tiny word {clone.folder}/.venv\n"
    assert "Making .venv" in first.stderr
    assert "Installing 1 pinned packages" in first.stderr
    second = clone.whetstone("up")
    assert second.stdout.startswith("['up'] tiny word")
    assert second.stderr == ""


def test_the_test_commands_get_the_test_tools_and_up_does_not_take_them_away(clone: Clone):
    assert clone.whetstone("up").returncode == 0
    assert "Installing 2" in clone.whetstone("test").stderr
    assert (clone.folder / ".venv" / "bin" / "python").exists()
    for command in ("up", "check", "test"):
        assert clone.whetstone(command).stderr == ""


def test_the_tests_get_the_clients_of_others_in_an_environment_of_their_own(clone: Clone, tmp_path: Path):
    for name in ("newest", "beta"):
        (clone.folder / "tests" / "conformance" / name).mkdir(parents=True)
    client = make_wheel(tmp_path / "wheels", "client", {"client.py": ""})
    clone.lock("tests/conformance/requirements.lock", client)
    clone.lock("tests/conformance/newest/requirements.lock", client)
    clone.lock("tests/conformance/beta/requirements.lock", client)
    assert "conformance" not in clone.whetstone("up").stderr
    first = clone.whetstone("test")
    assert "Making tests/conformance/.venv" in first.stderr
    assert "Installing 1 pinned packages into tests/conformance/.venv" in first.stderr
    assert "Installing 1 pinned packages into tests/conformance/newest/.venv" in first.stderr
    assert "Installing 1 pinned packages into tests/conformance/beta/.venv" in first.stderr
    assert clone.whetstone("test").stderr == ""
    packages = clone.folder / "tests" / "conformance" / ".venv" / "lib"
    assert [path.name for path in packages.glob("*/site-packages/*.py")] == ["client.py"]
    assert not list((clone.folder / ".venv" / "lib").glob("*/site-packages/client.py"))


def test_the_gate_takes_nothing_but_python(clone: Clone):
    """It runs on CI machines, which are to install nothing for it."""
    shutil.copytree(CLONE / "app" / "commands", clone.folder / "app" / "commands")
    asked = clone.whetstone("gate", "--evaluation", "Release", "--max-failed", "0")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert asked.stderr.startswith("The gate cannot be decided. Set WHETSTONE_BASE_URL")
    assert "./whetstone gate" in clone.whetstone("gate", "--help").stdout
    assert not (clone.folder / ".venv").exists()


def test_a_changed_lock_is_installed(clone: Clone, tmp_path: Path):
    clone.whetstone("up")
    other = make_wheel(tmp_path / "wheels", "other", {"other.py": ""})
    clone.lock("requirements.lock", (clone.folder / "requirements.lock").read_text(), other)
    assert "Installing 2" in clone.whetstone("up").stderr


def test_a_package_that_is_not_the_pinned_one_is_refused(clone: Clone, tmp_path: Path):
    make_wheel(tmp_path / "wheels", "tiny", {"tiny.py": "WORD = 'evil'\n"})
    ran = clone.whetstone("up")
    assert ran.returncode == 1
    assert "hashes" in ran.stderr.lower()
    assert "could not be installed" in ran.stderr.splitlines()[-1]
    assert not (clone.folder / ".venv" / "whetstone-installed").exists()


def test_an_interrupted_installation_is_done_again(clone: Clone):
    clone.whetstone("up")
    (clone.folder / ".venv" / "whetstone-installed").unlink()
    again = clone.whetstone("up")
    assert "Making" not in again.stderr
    assert "Installing" in again.stderr
    assert again.returncode == 0


def test_an_environment_whose_python_is_gone_is_made_again(clone: Clone):
    clone.whetstone("up")
    (clone.folder / ".venv" / "bin" / "python").unlink()
    again = clone.whetstone("up")
    assert "Making .venv" in again.stderr
    assert again.returncode == 0


def test_two_at_once_do_not_install_into_each_other(clone: Clone):
    command = [BASE_PYTHON, str(clone.folder / "whetstone"), "up"]
    both = [
        subprocess.Popen(command, env=clone.environment, stdout=-1, stderr=-1, text=True) for _ in range(2)
    ]
    told = [popen.communicate(timeout=120) for popen in both]
    assert [popen.returncode for popen in both] == [0, 0]
    assert all("tiny word" in out for out, _ in told)
    assert sum("Installing" in err for _, err in told) == 1
    assert sum("waiting for it" in err for _, err in told) == 1


def test_it_runs_from_any_folder_and_by_a_link(clone: Clone, tmp_path: Path):
    (tmp_path / "link").symlink_to(clone.folder / "whetstone")
    ran = subprocess.run(
        [BASE_PYTHON, tmp_path / "link", "up"],
        env=clone.environment,
        cwd="/",
        capture_output=True,
        check=True,
    )
    assert b"tiny word" in ran.stdout


def test_where_uv_fails_pip_goes_on(clone: Clone, tmp_path: Path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\necho no luck >&2\nexit 1\n')
    (tools / "uv").chmod(0o755)
    clone.environment["PATH"] = f"{tools}:/usr/bin:/bin"
    ran = clone.whetstone("up")
    assert "uv could not (no luck); trying pip." in ran.stderr
    assert ran.returncode == 0
    assert (tmp_path / "asked").read_text().startswith("pip install --require-hashes -r ")


def test_without_pip_it_says_how_to_get_one(clone: Clone, tmp_path: Path):
    for name in ("pip", "ensurepip"):
        (tmp_path / "hidden" / name).mkdir(parents=True)
        (tmp_path / "hidden" / name / "__init__.py").write_text("raise ImportError('hidden by the test')")
    clone.environment["PYTHONPATH"] = str(tmp_path / "hidden")
    ran = clone.whetstone("up")
    assert ran.returncode == 1
    assert "apt-get install python3-pip" in ran.stderr.splitlines()[-1]


@only_root
@pytest.mark.skipif(
    not can_others_enter(Path(BASE_PYTHON).resolve().parent), reason="nobody else can run this Python"
)
def test_a_clone_that_cannot_be_written_to_is_explained(clone: Clone):
    elsewhere = Path("/tmp") / f"whetstone-clone-{os.getpid()}"
    shutil.copytree(clone.folder, elsewhere)
    try:
        ran = Clone(elsewhere, clone.environment).whetstone("up", user="nobody", cwd="/")
        assert ran.returncode == 1
        assert ran.stderr.startswith(f"{elsewhere} cannot be written to")
        assert ran.stderr.count("\n") == 1
    finally:
        shutil.rmtree(elsewhere)


def test_a_front_end_script_that_was_changed_is_fetched_again_and_checked(clone: Clone, tmp_path: Path):
    htmx = clone.folder / "static" / "vendor" / "htmx.min.js"
    htmx.write_text("alert(1)")
    lock = make_wheel(
        tmp_path / "wheels", "django_htmx", {"django_htmx/static/django_htmx/htmx-2.min.js": "alert(2)"}
    )
    clone.lock("assets.lock", lock)
    ran = clone.whetstone("up")
    assert "Fetching the front-end scripts" in ran.stderr
    assert "is not the file that was pinned" in ran.stderr
    assert ran.returncode == 1
    assert htmx.read_text() == "alert(1)"


def test_an_old_python_gets_one_clear_line():
    code = f"import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_path({str(CLONE / 'whetstone')!r}, run_name='__main__')"
    ran = subprocess.run([BASE_PYTHON, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Whetstone needs Python 3.11 or newer")
    assert ran.stderr.count("\n") == 1


def test_an_old_python_can_read_it():
    ast.parse((CLONE / "whetstone").read_text(), feature_version=(3, 7))


def test_it_lists_every_command_for_people():
    ran = subprocess.run(
        [BASE_PYTHON, CLONE / "whetstone", "--help"], capture_output=True, text=True, check=True
    )
    for name in set(COMMANDS) - {"web", "reaper", "alive", "welcome"}:
        assert f"\n  {name} " in ran.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str):
    ran = subprocess.run(
        [sys.executable, "-m", "app.cli", name, "--help"],
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"./whetstone {name}" in ran.stdout


def test_the_test_lock_holds_every_pin_of_the_run_lock():
    def pins(name: str) -> set[str]:
        return {
            line.split()[0]
            for line in (CLONE / name).read_text().splitlines()
            if "==" in line and line[0] != " "
        }

    assert pins("requirements.lock") <= pins("requirements-test.lock")
