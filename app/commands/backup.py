"""`backup`: the whole database of one moment in one file."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from app.commands.home import add_home, connected
from app.core.database import unit_of_work
from app.core.errors import Unavailable
from app.core.security import fingerprint
from app.core.settings import get_settings
from app.embedded.backup import Secret, write_backup
from app.providers.service import count_keys
from app.tools.variables import count_variables


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `backup`."""
    parser.add_argument(
        "file", nargs="?", type=Path, default=Path(), metavar="FILE",
        help="a new file, or a folder for it (default: whetstone-DATE-TIME.zip here)",
    )  # fmt: skip
    parser.add_argument(
        "--with-secret",
        action="store_true",
        help="put the secret that opens the provider keys into the file too: whoever has the file has the keys",
    )
    add_home(parser)


def run(options: argparse.Namespace) -> int:
    """Make it, and say what it holds and what it needs."""
    path: Path = options.file
    if path.is_dir():
        path /= f"whetstone-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    with connected(options):
        settings = get_settings()
        value = settings.secret_key.get_secret_value()
        if not value:
            raise Unavailable(
                "WHETSTONE_SECRET_KEY is not set: the backup could not say which secret it needs."
            )
        with unit_of_work() as session:
            keys, opened = map(sum, zip(count_keys(session), count_variables(session), strict=True))
        secret = Secret(fingerprint(value), opened, value if options.with_secret else None)
        manifest = write_backup(path, settings.psycopg_url, secret)
    print(
        f"{path}: {sum(manifest.rows.values()):,} rows, {path.stat().st_size:,} bytes, read back and whole."
    )
    if opened < keys:
        print(
            f"note: {keys - opened} of {keys} keys of providers and tools do not open with this server's secret.",
            file=sys.stderr,
        )
    if options.with_secret:
        print(f"It holds the secret {manifest.secret}: keep it as safe as the provider keys.")
    else:
        print(f"The secret is not in it: keep it elsewhere. Its fingerprint is {manifest.secret}.")
    return 0
