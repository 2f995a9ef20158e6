"""`reaper`: the process that finds lost work and sends it again."""

import argparse
import signal
from threading import Event

from app.core import logging, starting
from app.evaluations.engine.recovery import run_forever
from app.monitoring.recovery import Reminder


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options."""


def run(_options: argparse.Namespace) -> int:
    """Look for lost work until told to stop.

    Raises:
        Unavailable: a setting is missing, or the database's tables are not those of this version.
    """
    logging.configure()
    starting.check()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run_forever(stop, also=Reminder().look)
    return 0
