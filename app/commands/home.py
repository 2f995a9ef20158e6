"""Which installation a command is about, and its databases."""

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.core.schema import require_current
from app.embedded.databases import DATABASE_URL, databases
from app.embedded.external import check_database
from app.embedded.layout import CLONE, AlreadyRunning, Layout, StackError, open_layout


def add_home(parser: argparse.ArgumentParser) -> None:
    """The option `--home`."""
    parser.add_argument(
        "--home",
        default=os.environ.get("WHETSTONE_HOME") or CLONE / ".whetstone",
        help="folder of the data and logs (default: WHETSTONE_HOME, else .whetstone in the clone)",
    )


@contextmanager
def connected(
    options: argparse.Namespace, *, needs_tables: bool = True, needs_workers: bool = False
) -> Iterator[None]:
    """The settings of the installation in the environment: of the running one, else of its databases started for this.

    Import nothing that reads settings before.

    Raises:
        StackError: its databases cannot be started or reached, or nothing runs that would do the work.
        Unavailable: their tables are not those of this version.
    """
    with ExitStack() as stack:
        if os.environ.get(DATABASE_URL):
            settings = _published(Path(options.home))
        else:
            settings = _settings_of(stack, open_layout(Path(options.home)), needs_workers=needs_workers)
        for name, value in settings.items():
            os.environ[name] = os.environ.get(name) or value
        url = os.environ[DATABASE_URL]
        check_database(url)
        if needs_tables:
            require_current(url)
        yield


def _published(home: Path) -> dict[str, str]:
    """What runs in `home` on the database that is named: where it is reached, and its practice model."""
    try:
        settings = Layout(home).settings()
    except OSError:  # somebody else's
        return {}
    return settings if settings.get(DATABASE_URL) == os.environ[DATABASE_URL] else {}


def _settings_of(stack: ExitStack, layout: Layout, *, needs_workers: bool) -> dict[str, str]:
    try:
        settings = stack.enter_context(databases(layout, given=os.environ))
    except AlreadyRunning as running:
        settings = layout.settings()
        if not settings:
            raise StackError(
                "Whetstone is just starting or stopping here: try again in a moment."
            ) from running
        return settings
    if needs_workers:
        raise StackError("The workers do this, and they are not running: start ./whetstone up first.")
    return {**settings, "WHETSTONE_SECRET_KEY": layout.secret("application")}
