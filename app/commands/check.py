"""`check`: everything that can be found out without running the tests."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.util import CommandError

from app.commands.house_rules import broken_rules
from app.commands.migrate import configuration, upgrade
from app.embedded.databases import DATABASE_URL, scratch_databases
from app.embedded.layout import CLONE

PROGRAMS = {
    "format": ("ruff", "format", "--check", "--quiet", ".", "whetstone"),
    "lint": ("ruff", "check", "--quiet", ".", "whetstone"),
    "types": ("mypy",),
    "imports": ("lint-imports", "--no-cache"),
    "templates": ("djlint", "templates", "--lint", "--quiet", "--allow-empty-input"),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    names = ", ".join([*PROGRAMS, *_CHECKS])
    parser.add_argument("only", nargs="*", metavar="CHECK", type=_known, help=f"one or more of {names}")


def _known(name: str) -> str:
    if name not in {**PROGRAMS, **_CHECKS}:
        raise argparse.ArgumentTypeError(f"there is no check {name}")
    return name


def run(options: argparse.Namespace) -> int:
    """Run the checks, all of them even if one fails; 1 if any failed."""
    checks: dict[str, Callable[[], str]] = {name: _program(words) for name, words in PROGRAMS.items()}
    checks |= _CHECKS
    failed = []
    for name, check in checks.items():
        if options.only and name not in options.only:
            continue
        began = time.monotonic()
        complaint = check()
        print(
            f"{name:<12} {'ok' if not complaint else 'FAILED'}  {time.monotonic() - began:5.1f} s", flush=True
        )
        if complaint:
            print(complaint, flush=True)
            failed.append(name)
    print(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


def _program(words: tuple[str, ...]) -> Callable[[], str]:
    return lambda: complaint_of(words)


def complaint_of(words: tuple[str, ...], folder: Path = CLONE) -> str:
    """What a program of our environment prints when it fails in `folder`; nothing when it does not."""
    program = Path(sys.executable).with_name(words[0])  # as a module, some of them do nothing and succeed
    ran = subprocess.run([program, *words[1:]], cwd=folder, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else (ran.stdout + ran.stderr).strip() or f"exit code {ran.returncode}"


def _migrations() -> str:
    """Do the migrations make the very tables that the models describe?"""
    with scratch_databases() as urls:
        upgrade(urls[DATABASE_URL])
        config = configuration()
        config.attributes["url"] = urls[DATABASE_URL]
        try:
            command.check(config)
        except CommandError as error:
            return str(error)
    return ""


_CHECKS: dict[str, Callable[[], str]] = {
    "migrations": _migrations,
    "rules": lambda: "\n".join(broken_rules()),
}
