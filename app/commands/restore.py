"""`restore`: a backup in the place of an empty database, or of one that is named to be overwritten."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.commands.home import add_home, connected
from app.commands.migrate import upgrade
from app.core.schema import known_revisions
from app.core.security import fingerprint
from app.embedded.backup import Manifest, filled_tables, load, secret_in, verified
from app.embedded.databases import DATABASE_URL
from app.embedded.external import psycopg_url, refuse_in_use
from app.embedded.layout import Layout, StackError, open_layout

_SECRET = "application"  # noqa: S105 - its name
_VARIABLE = "WHETSTONE_SECRET_KEY"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `restore`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="what ./whetstone backup made")
    parser.add_argument(
        "--overwrite",
        metavar="DATABASE",
        help="delete everything in the database of this name first, should it not be empty",
    )
    parser.add_argument(
        "--without-secret",
        action="store_true",
        help="restore although the secret is lost: every provider key must be entered again",
    )
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Check the file, the version, the secret and the database, in that order, before anything is changed.

    Raises:
        StackError: one of them is not right; nothing was changed.
    """
    manifest = verified(options.file)
    if manifest.revision not in known_revisions():
        raise StackError(
            f"{options.file} is from a newer Whetstone: this version does not know its tables ({manifest.revision})."
            " Update Whetstone first."
        )
    elsewhere = bool(os.environ.get(DATABASE_URL))
    layout = None if elsewhere else open_layout(Path(options.home))
    secret = _Secret(options.file, manifest, layout, os.environ.get(_VARIABLE, ""))
    if not options.without_secret:
        secret.check()
    with connected(options, needs_tables=False):
        url = os.environ[DATABASE_URL]
        _check_database(url, manifest, options.overwrite)
        load(options.file, url, manifest)
        secret.keep()
        upgrade(url)
    print(
        f"Restored: {sum(manifest.rows.values()):,} rows as they were at {manifest.made_at},"
        f" with {manifest.provider_keys} keys of providers and tools."
    )
    return 0


@dataclass(frozen=True)
class _Secret:
    """Which secret the backup needs, and which one there is."""

    file: Path
    manifest: Manifest
    layout: Layout | None
    """Where the secret of an installation on this machine is kept; a database elsewhere has it in the environment."""
    given: str
    """The secret that the environment names, before a command finds one for itself."""

    @property
    def _is_taken_over(self) -> bool:
        return bool(self.manifest.holds_secret and self.layout and not self.given)

    def check(self) -> None:
        """Raise StackError unless the keys in the backup will open."""
        if self._is_taken_over:
            return
        present = self.given or (self.layout.find_secret(_SECRET) if self.layout else "")
        if not self.manifest.provider_keys or (present and fingerprint(present) == self.manifest.secret):
            return
        there = f"the secret here has {fingerprint(present)}" if present else "there is no secret here yet"
        where = f"{_VARIABLE} to it"
        if self.layout:
            where += f", or copy {_SECRET}.secret of the old home to {self.layout.root}"
        raise StackError(
            f"Wrong secret: {self.manifest.provider_keys} keys of providers and tools in {self.file} open only with the secret"
            f" whose fingerprint is {self.manifest.secret}, and {there}. Nothing was changed. Set {where}."
            " If it is lost, --without-secret restores the rest."
        )

    def keep(self) -> None:
        """Take over the secret of a backup that holds it: everything it does not open is gone from the database."""
        if self._is_taken_over and self.layout:
            self.layout.set_secret(_SECRET, secret_in(self.file))


def _check_database(url: str, manifest: Manifest, overwrite: str | None) -> None:
    with psycopg.connect(psycopg_url(url), connect_timeout=5) as connection:
        major = connection.info.server_version // 10000
        if major < manifest.postgres:
            raise StackError(
                f"The backup is from Postgres {manifest.postgres}, and this is {major}: restore into"
                f" {manifest.postgres} or newer."
            )
        refuse_in_use(connection)
        name, filled = connection.info.dbname, filled_tables(connection)
    if filled and overwrite != name:
        raise StackError(
            f"The database {name} is not empty: {len(filled)} of its tables have rows. Nothing was changed. To delete"
            f" all of them and put the backup in their place, add --overwrite {name}."
        )
