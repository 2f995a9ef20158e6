"""Takes the protections of docs/reliability.md out, one by one, and looks whether the test of each notices.

    .venv/bin/python -m tests.removals [ROW …]

Each is taken out of a copy of what git tracks, in a temporary folder; there its test has to fail, by an assertion or an
error while it runs, not because it cannot be collected. Prints a line for each, and ends with 1 if a removal went unnoticed.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.removals.table import REMOVALS, Removal

CLONE = Path(__file__).parents[2]
NOTICED = re.compile(r"\b\d+ (failed|error)")
LONGEST_S = 900


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the project that shares what was installed."""
    with tempfile.TemporaryDirectory(prefix="removal-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, Postgres runs as somebody else
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=CLONE, capture_output=True, check=True).stdout
        for path in tracked.decode().split("\0"):
            if path and (CLONE / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CLONE / path, folder / path)
        (folder / ".venv").symlink_to(CLONE / ".venv")
        shutil.copytree(CLONE / "static" / "vendor", folder / "static" / "vendor", dirs_exist_ok=True)
        yield folder


def is_noticed(folder: Path, removal: Removal) -> tuple[bool, str]:
    """Whether its test fails in the copy without the protection, and the last line of what pytest said."""
    file = folder / removal.file
    before = file.read_text()
    file.write_text(before.replace(removal.text, removal.instead))
    command = [str(folder / "whetstone"), "test", "--all", *shlex.split(removal.test), "-q", "-n", "0", "-x"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        said = done.stdout.strip().splitlines()[-1:] or [done.stderr.strip()[-200:]]
        return done.returncode == 1 and NOTICED.search(said[0]) is not None, said[0]
    except subprocess.TimeoutExpired:
        return True, f"it had not ended after {LONGEST_S} s"
    finally:
        file.write_text(before)


def main(rows: list[str]) -> int:
    """Try the removals of these rows, or all; 1 if one went unnoticed."""
    unnoticed = 0
    with copied() as folder:
        for removal in REMOVALS:
            if rows and removal.row not in rows:
                continue
            began = time.monotonic()
            noticed, said = is_noticed(folder, removal)
            unnoticed += not noticed
            word = "noticed  " if noticed else "UNNOTICED"
            print(
                f"{word} {removal.row:4} {removal.protects} ({time.monotonic() - began:.0f} s)  {said}",
                flush=True,
            )
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
