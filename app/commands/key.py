"""`key create`: an API key, for scripts that set up Whetstone."""

import argparse

from app.commands.home import add_home, connected
from app.core.access import Role
from app.core.database import unit_of_work
from app.workspaces.operator import operator_of
from app.workspaces.service import create_key


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `key`."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    create = verbs.add_parser(
        "create", help="make a key and print it", description="Make a key and print only it."
    )
    create.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace, as in its address")
    create.add_argument("--name", required=True, help="what uses the key")
    create.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default=Role.DEVELOPER.value,
        help="what it may do (default: %(default)s)",
    )
    add_home(create)


def run(options: argparse.Namespace) -> int:
    """Print the new key: it is shown this once."""
    with connected(options):
        with unit_of_work() as session:
            principal = operator_of(session, options.workspace)
            _, secret = create_key(session, principal, name=options.name, role=Role(options.role))
        print(secret)  # after the commit: what is printed works
    return 0
