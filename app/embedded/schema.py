"""Is the database at the newest migration? Asked at every start, so without Alembic, whose loading takes a second."""

import re

import psycopg

from app.embedded.external import psycopg_url
from app.embedded.layout import CLONE

_REVISION = re.compile(r"""^(down_)?revision\b.*?=\s*["'](\w+)["']""", re.MULTILINE)


def is_current(url: str) -> bool:
    """Whether the database at `url` has been through exactly the migrations that this version has."""
    try:
        with psycopg.connect(psycopg_url(url), connect_timeout=5) as connection:
            found = connection.execute("select version_num from alembic_version").fetchall()
    except psycopg.errors.UndefinedTable:
        return False
    return {row[0] for row in found} == newest_revisions()


def known_revisions() -> set[str]:
    """The migrations that this version has."""
    return {revision for down, revision in _named() if not down}


def newest_revisions() -> set[str]:
    """The migrations that no other one follows."""
    named = _named()
    followed = {revision for down, revision in named if down}
    return {revision for down, revision in named if not down} - followed


def _named() -> list[tuple[str, str]]:
    """What the migrations name, each with `down_` in front where it is the one that they follow."""
    return [
        match
        for path in (CLONE / "migrations" / "versions").glob("*.py")
        for match in _REVISION.findall(path.read_text())
    ]
