"""`test`: the test suite on scratch databases of its own."""

import argparse
import os
import subprocess
import sys

from app.embedded.databases import DATABASE_URL, REDIS_URL, scratch_databases
from app.embedded.layout import CLONE

_MOST_PROCESSES = 4
_LEFT_TO_ALL = "not browser and not long"


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
    parser.usage = "./whetstone test [-h] [--all] [--long] [PATH …] [-k EXPRESSION] [any option of pytest]"


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
        words = ["-m", "pytest", "-n", str(processes), "--dist", "loadgroup", *marks, *options.rest]
        return subprocess.run([sys.executable, *words], cwd=CLONE, env=environment, check=False).returncode
