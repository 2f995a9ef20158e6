"""`import rows`: a CSV or JSONL file into a dataset; `import humanloop`: an export into a workspace."""

import argparse
import sys
from pathlib import Path

from app.commands.home import add_home, connected
from app.core import logging
from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.datasets.importing import ImportFailed, ImportRequest, import_rows
from app.transfer.importing import import_export
from app.workspaces.operator import operator_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `import`."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    rows = kinds.add_parser(
        "rows", help="rows into a dataset", description="Import a CSV or JSONL file: everything, or nothing."
    )
    rows.add_argument("file", type=Path, metavar="FILE", help="a CSV or JSONL file")
    rows.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace, as in its address")
    rows.add_argument(
        "--dataset", required=True, metavar="PATH", help="the dataset's path; it is made if it is not there"
    )
    rows.add_argument(
        "--action",
        choices=["add", "set"],
        default="add",
        help="keep the rows that are there, or not (default: %(default)s)",
    )
    add_home(rows)
    export = kinds.add_parser(
        "humanloop",
        help="an export of Humanloop's, or of ours",
        description="Import files with their versions, rows, logs, judgments and evaluations. Ids and times are kept;"
        " what is there already stays as it is, so that it can be done again.",
    )
    export.add_argument("folder", type=Path, metavar="EXPORT_DIR", help="the folder that holds `files`")
    export.add_argument("--workspace", metavar="SLUG", help="the workspace, where there are several")
    add_home(export)


def run(options: argparse.Namespace) -> int:
    """Import; exit code 1 where something was left out."""
    return _import_export(options) if options.kind == "humanloop" else _import_rows(options)


def _import_export(options: argparse.Namespace) -> int:
    """Import an export, and say what came of it."""
    with connected(options):
        logging.configure()
        with unit_of_work() as session:
            principal = operator_of(session, options.workspace)
        report = import_export(principal, options.folder, lambda line: print(line, file=sys.stderr))
    print("\n".join(report.lines()))
    return 0 if report.is_whole else 1


def _import_rows(options: argparse.Namespace) -> int:
    """Import, and say how many rows there are now; or which lines are wrong."""
    try:
        with connected(options), unit_of_work() as session, options.file.open("rb") as file:
            principal = operator_of(session, options.workspace)
            request = ImportRequest(file, options.file.name, options.action)
            written = import_rows(session, principal, request, path=options.dataset)
            told = (
                f"{options.dataset} v{written.version.number}: {written.rows:,} rows, {written.added:,} new"
            )
    except ImportFailed as failure:
        for error in failure.errors:
            print(f"line {error.line}: {error.message}", file=sys.stderr)
        print(failure.message, file=sys.stderr)
        return 1
    except OSError as error:
        raise Invalid(f"{options.file} cannot be read: {error.strerror}.") from error
    print(told)
    for warning in written.warnings:
        print(f"note: {warning}", file=sys.stderr)
    return 0
