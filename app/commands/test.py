"""`test`: the test suite on scratch databases of its own."""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from app.embedded.databases import DATABASE_URL, REDIS_URL, scratch_databases
from app.embedded.layout import CLONE

_MOST_PROCESSES = 4
_TESTS_FAILED = 1  # pytest's exit code
_LEFT_TO_ALL = "not browser and not long"
_FAILED = Path(".pytest_cache", "v", "cache", "lastfailed")
_OF_A_GROUP = re.compile(r"@\w+$")
"""What pytest-xdist puts behind the names of tests that one process runs."""
_MOST_AGAIN = 10
"""More failures than this are no slow moments of a shared machine."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `test`."""
    parser.add_argument(
        "--all", action="store_true", help="also the browser tests, and the long kill and fuzz tests"
    )
    parser.add_argument(
        "--long",
        action="store_true",
        help="all of it, with as many and as long faults as docs/reliability.md names: takes hours",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help=f"run up to {_MOST_AGAIN} failed tests once more, one after the other, and fail only if one fails twice",
    )
    parser.usage = (
        "./whetstone test [-h] [--all] [--long] [--again] [PATH …] [-k EXPRESSION] [any option of pytest]"
    )


def run(options: argparse.Namespace) -> int:
    """Run pytest, in as many processes as there are cores; its exit code."""
    processes = min(max(os.cpu_count() or 1, 2), _MOST_PROCESSES)
    marks = [] if options.all or options.long else ["-m", _LEFT_TO_ALL]
    with scratch_databases() as urls:
        environment = {
            **os.environ,
            "WHETSTONE_TEST_DATABASE_URL": urls[DATABASE_URL],
            "WHETSTONE_TEST_REDIS_URL": urls[REDIS_URL],
            **({"WHETSTONE_TEST_LONG": "1"} if options.long else {}),
        }
        words = ["-n", str(processes), "--dist", "loadgroup", *marks, *options.rest]
        return run_pytest(CLONE, words, environment, again=options.again)


def run_pytest(folder: Path, words: list[str], environment: dict[str, str], *, again: bool = False) -> int:
    """Run pytest in a folder; its exit code. With `again`, a few that failed get a second try, alone, which counts."""
    code = _pytest(folder, ["--cache-clear", *words] if again else words, environment)
    if again and code == _TESTS_FAILED and (failed := _failed(folder)):
        print(f"{len(failed)} failed beside others. Once more, alone:", *failed, sep="\n  ", flush=True)
        code = _pytest(folder, ["-n", "0", "-v", *failed], environment)
    return code


def _pytest(folder: Path, words: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", *words]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def _failed(folder: Path) -> list[str]:
    """The tests that failed in the last run, if they are few."""
    failed = sorted({_OF_A_GROUP.sub("", name) for name in json.loads((folder / _FAILED).read_text())})
    are_tests = all("::" in name for name in failed)  # and not a file or a process
    return failed if are_tests and len(failed) <= _MOST_AGAIN else []
