"""`init`: a workspace and its first admin, for servers that start without the demo."""

import argparse

from app.accounts.service import create_sign_in_link
from app.commands.home import add_home, connected
from app.commands.signin import link
from app.core.database import unit_of_work
from app.home.onboarding import NewWorkspace, open_workspace


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `init`."""
    parser.add_argument("--workspace", required=True, metavar="NAME", help="the name of the workspace")
    parser.add_argument("--email", required=True, metavar="ADDRESS", help="who becomes its admin")
    parser.add_argument("--name", default="", help="the admin's name (default: the address)")
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Make them, and print how to sign in."""
    with connected(options):
        with unit_of_work() as session:
            opened = open_workspace(session, NewWorkspace(options.workspace, options.email, options.name))
            slug, token = opened.workspace.slug, create_sign_in_link(session, options.email)
        print(f"The workspace {options.workspace} is open, as {slug}. Sign in once with {link(token)}")
    return 0
