"""`welcome`: what to open first after a start, as JSON of titles and texts that `up` prints."""

import argparse
import json

from app.accounts.service import create_setup_token
from app.commands.signin import link
from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.demo.workspace import demo_sign_in_token
from app.workspaces.repository import find_workspace


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `welcome`."""
    parser.add_argument(
        "--demo", action="store_true", help="make the demo workspace and its admin if they are not there"
    )


def run(options: argparse.Namespace) -> int:
    """Print the titles and texts."""
    settings = get_settings()
    with unit_of_work() as session:
        if options.demo or find_workspace(session, "demo"):
            address = link(demo_sign_in_token(session))
            welcome = {f"Sign in once (within {settings.sign_in_link_minutes} min)": address}
        elif token := create_setup_token(session):
            address = f"{settings.public_url}/setup?token={token}"
            welcome = {f"Set it up (within {settings.sign_in_link_minutes} min)": address}
        else:
            welcome = {"One-time sign-in links": "./whetstone signin EMAIL"}
    print(json.dumps(welcome))
    return 0
