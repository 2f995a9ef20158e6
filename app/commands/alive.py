"""`alive`: whether the worker or the reaper of this machine has reported lately, for the health checks of containers."""

import argparse
import socket
import sys

from app.core import clock, events, metrics
from app.core.broker import AWAY
from app.core.health import WORKERS_KEY

LATEST_S = 60
"""A reaper looks every two seconds; one that has not for so long hangs."""


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
    looked = metrics.marks().get("reaper")
    if looked is None:
        return "No reaper has looked yet."
    ago = clock.seconds() - looked
    return "" if ago < LATEST_S else f"The reaper looked last {ago:,.0f} s ago."
