"""`reaper`: the process that finds lost work and sends it again."""

import argparse
import signal
from threading import Event

from app.core import logging, starting
from app.evaluations.engine.recovery import run_forever
from app.generations import row_recovery
from app.monitoring import recovery as monitoring


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
    reminders = (monitoring.reminder(), row_recovery.reminder())

    def remind() -> None:
        for each in reminders:
            each.look()

    run_forever(stop, also=remind)
    return 0
