"""`seed`: fill the demo workspace; the workers must be running."""

import argparse

from app.commands.home import add_home, connected
from app.core import logging
from app.demo.seed import seed


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `seed`."""
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Fill it, and wait until its evaluations have ended."""
    with connected(options, needs_workers=True):
        logging.configure()
        print("The demo workspace is filled." if seed() else "The demo workspace was filled before.")
    return 0
