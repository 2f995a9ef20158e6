"""`signin`: a one-time sign-in link, for whoever forgot the password or has none."""

import argparse

from app.accounts.passwords import create_reset_link
from app.accounts.service import create_sign_in_link
from app.commands.home import add_home, connected
from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.workspaces.links import reset_url


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `signin`."""
    parser.add_argument("email", metavar="EMAIL", help="the person's e-mail address")
    parser.add_argument("--reset", action="store_true", help="print a link that sets a new password instead")
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Print the link."""
    with connected(options):
        with unit_of_work() as session:
            if options.reset:
                address = reset_url(create_reset_link(session, options.email))
            else:
                address = link(create_sign_in_link(session, options.email))
        print(address)  # after the commit: what is printed works
    return 0


def link(token: str) -> str:
    """The address that signs in once with `token`."""
    return f"{get_settings().public_url}/signin/link/{token}"
