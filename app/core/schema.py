"""Do the database and this version fit? Asked at every start, so without Alembic, whose loading takes a second."""

import re
from pathlib import Path

import psycopg

from app.core.errors import Unavailable

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"
_REVISION = re.compile(r"""^(down_)?revision\b.*?=\s*["'](\w+)["']""", re.MULTILINE)


def is_current(url: str) -> bool:
    """Whether the database at `url` has been through exactly the migrations that this version has."""
    return revision_of(url) == newest_revision()


def refuse_unknown(url: str) -> None:
    """Leave a database alone that a newer version has upgraded.

    Raises:
        Unavailable: it is at a migration that this version does not have.
    """
    revision = revision_of(url)
    if revision and revision not in known_revisions():
        raise Unavailable(
            f"The database is at revision {revision}, which this version of Whetstone does not know: a newer one has"
            " upgraded it. Start that version, or restore a backup from before the upgrade. Nothing was changed."
        )


def require_current(url: str) -> None:
    """Let nobody work on tables that are not those of this version.

    Raises:
        Unavailable: the database is newer or older than this version; the message says which, and what to do.
    """
    refuse_unknown(url)
    revision, needed = revision_of(url), newest_revision()
    if revision != needed:
        has = f"is at revision {revision}" if revision else "has no tables of Whetstone"
        raise Unavailable(
            f"The database {has}, and this version needs {needed}: run ./whetstone migrate first (`up` does it)."
        )


def revision_of(url: str) -> str | None:
    """The newest migration that the database at `url` has been through; None before the first."""
    address = f"postgresql://{url.partition('://')[2]}"
    try:
        with psycopg.connect(address, connect_timeout=5) as connection:
            found = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    return str(found[0]) if found else None


def known_revisions() -> set[str]:
    """The migrations that this version has."""
    return {revision for down, revision in _named() if not down}


def newest_revision() -> str:
    """The migration that no other one follows."""
    followed = {revision for down, revision in _named() if down}
    (newest,) = known_revisions() - followed
    return newest


def _named() -> list[tuple[str, str]]:
    """What the migrations name, each with `down_` in front where it is the one that they follow."""
    return [match for path in _MIGRATIONS.glob("*.py") for match in _REVISION.findall(path.read_text())]
