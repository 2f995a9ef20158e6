"""`reaper`: the process that finds lost work and sends it again."""

import argparse
import signal
from threading import Event

from app.core import logging
from app.evaluations.recovery import run_forever


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(_options: argparse.Namespace) -> int:
    """Look for lost work until told to stop."""
    logging.configure()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run_forever(stop)
    return 0
