"""A Python that a user without rights can start, where the one that runs the tests lies in a folder that only root enters."""

import atexit
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

NOBODY = 65_534
_ROOT = os.fspath(Path(__file__).parents[2])
_LEFT_OUT = shutil.ignore_patterns("test", "site-packages", "idlelib", "tkinter", "ensurepip", "config-*")


@cache
def python_for(user: int) -> str | None:
    """This Python, or a copy of it for as long as the tests run, that this user can start; None where neither works."""
    if _starts(sys.executable, user):
        return sys.executable
    copy = _copy()
    return copy if _starts(copy, user) else None


def _starts(python: str, user: int) -> bool:
    if not all(folder.stat().st_mode & 0o001 for folder in Path(python).resolve().parents):
        return False
    asked = f"import sys; sys.path[:0] = {[_ROOT, *sys.path]!r}; import numpy, app.sandbox.zygote; print(sys.version)"
    tried = subprocess.run(
        [python, "-S", "-B", "-c", asked],
        user=user, group=user, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    return tried.stdout.strip() == sys.version


def _copy() -> str:
    folder = Path(tempfile.mkdtemp(prefix="whetstone-python-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, folder / "lib" / library.name, ignore=_LEFT_OUT, symlinks=True)
    for shared in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython*.so*"):
        shutil.copy(shared, folder / "lib")
    program = folder / "bin" / f"python{sysconfig.get_python_version()}"
    program.parent.mkdir()
    program.write_bytes(_beside(Path(sys.executable).resolve().read_bytes()))
    program.chmod(0o755)
    for found in [folder, *folder.rglob("*")]:
        if not found.is_symlink():
            found.chmod(found.stat().st_mode | 0o044 | (0o011 if found.is_dir() else 0))
    return os.fspath(program)


def _beside(program: bytes) -> bytes:
    """The program with its library looked for beside it, and not where it was installed: the path must not grow."""
    installed = f"{sysconfig.get_config_var('LIBDIR')}\0".encode()
    return program.replace(installed, b"$ORIGIN/../lib\0".ljust(len(installed), b"\0"))
