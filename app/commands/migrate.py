"""`migrate`: the database's tables, up to this version."""

import argparse

from alembic import command
from alembic.config import Config

from app.commands.home import add_home, connected
from app.core import schema
from app.core.settings import get_settings
from app.embedded.layout import CLONE


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `migrate`."""
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Upgrade to the newest migration. Two at once wait for each other."""
    with connected(options, needs_tables=False):
        upgrade()
    return 0


def upgrade(url: str | None = None) -> None:
    """Bring the database at `url`, or that of the settings, to the newest migration.

    Raises:
        Unavailable: a newer version has upgraded it.
    """
    config = configuration()
    config.attributes["url"] = url
    schema.refuse_unknown(url or get_settings().database_url)
    command.upgrade(config, "head")


def configuration() -> Config:
    """Alembic's configuration, which lies in pyproject.toml."""
    return Config(toml_file=CLONE / "pyproject.toml")
