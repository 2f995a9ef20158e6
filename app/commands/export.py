"""`export`: a workspace into a folder, in the layout that `import humanloop` reads."""

import argparse
from pathlib import Path

import app.main  # noqa: F401 - fills the members of answers that packages above `files` tell of
from app.commands.home import add_home, connected
from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.transfer.archive import write_folder
from app.transfer.exporting import export_members
from app.workspaces import audit
from app.workspaces.operator import operator_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `export`."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--workspace", metavar="SLUG", help="the workspace, where there are several")
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Write it, and say how many files it has."""
    with connected(options):
        with unit_of_work() as session:
            principal = operator_of(session, options.workspace)
            audit.record(session, principal, "workspace.exported", "workspace", principal.workspace_id)
        try:
            count = write_folder(export_members(principal.workspace_id), options.folder)
        except OSError as error:
            raise Invalid(f"{options.folder} cannot be written: {error.strerror}.") from error
    print(f"{options.folder}: the workspace {principal.workspace_slug} in {count:,} files.")
    return 0
