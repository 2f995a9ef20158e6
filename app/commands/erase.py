"""`erase`: the account of somebody who belongs to no workspace any more, so that no admin can erase it."""

import argparse

from app.commands.home import add_home, connected
from app.core.database import unit_of_work
from app.workspaces.erasing import erase_without_workspace


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `erase`."""
    parser.add_argument("email", metavar="EMAIL", help="the person's e-mail address")
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Erase the account."""
    with connected(options):
        with unit_of_work() as session:
            erase_without_workspace(session, options.email)
        print(f"{options.email} is erased.")
    return 0
