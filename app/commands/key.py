"""`key create`: an API key, for scripts that set up Whetstone. `key practice`: one for the practice model."""

import argparse

from app.commands.home import add_home, connected
from app.core.access import Role
from app.core.database import unit_of_work
from app.providers.service import practice_endpoint
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
    practice = verbs.add_parser(
        "practice",
        help="print address and key of the practice model",
        description="Print where a workspace's practice model is, and its key, as OpenAI clients read them from the"
        " environment: to fine-tune it, say. Only this machine can reach it.",
    )
    practice.add_argument(
        "--workspace", required=True, metavar="SLUG", help="the workspace, as in its address"
    )
    add_home(practice)


def run(options: argparse.Namespace) -> int:
    """Print the new key, which is shown this once, or the practice model's, which is always the same."""
    with connected(options):
        if options.verb == "practice":
            with unit_of_work() as session:
                endpoint = practice_endpoint(session, operator_of(session, options.workspace).workspace_id)
            print(f"OPENAI_BASE_URL={endpoint.base_url}\nOPENAI_API_KEY={endpoint.api_key}")
            return 0
        with unit_of_work() as session:
            principal = operator_of(session, options.workspace)
            _, secret = create_key(session, principal, name=options.name, role=Role(options.role))
        print(secret)  # after the commit: what is printed works
    return 0
