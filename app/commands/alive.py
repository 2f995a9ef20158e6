"""`alive`: whether the worker or the reaper of this machine has reported lately, for the health checks of containers."""

import argparse
import socket
import sys

from app.core import events
from app.core.broker import AWAY
from app.core.health import REAPER_ALIVE_S, REAPERS_KEY, WORKERS_KEY


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `alive`."""
    parser.add_argument("program", choices=("worker", "reaper"))


def run(options: argparse.Namespace) -> int:
    """0 where it has reported; else 1, and a line that says what is known."""
    try:
        problem = _worker() if options.program == "worker" else _reaper()
    except AWAY as error:
        problem = f"Valkey is away ({type(error).__name__}): nobody can say."
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


def _worker() -> str:
    found = events.broker().scan_iter(f"{WORKERS_KEY}:{socket.gethostname()}:*", count=1000)
    return "" if any(True for _ in found) else "No worker of this machine has reported in the last seconds."


def _reaper() -> str:
    if events.broker().exists(f"{REAPERS_KEY}:{socket.gethostname()}"):
        return ""
    return f"No reaper of this machine has looked in the last {REAPER_ALIVE_S} s."
