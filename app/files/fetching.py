"""Fetching files by the API: what production does before each call, done together for all requests of a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.database import unit_of_work
from app.core.gathering import Gatherer
from app.files import repository
from app.files.models import FileKind
from app.files.presentation import present
from app.files.resolution_repository import Wanted, resolve
from app.workspaces.service import holders_of

_MOST = 50
_BESIDE = 2
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request for a file: with which API key, and how the version is named."""

    secret: str
    kind: FileKind | None = None
    file_id: str | None = None
    path: str | None = None
    version_id: str | None = None
    environment: str | None = None
    raw: bool = False
    """With the text of its `.prompt` or `.agent` file."""


def encoded(shown: Any) -> bytes:
    """An answer as it is sent."""
    return orjson.dumps(shown, option=orjson.OPT_UTC_Z)


def _fetch(asked: Sequence[Fetch]) -> list[bytes | None]:
    """The answer to each, and None where there is none, or it could not be found out together with the others."""
    try:
        with unit_of_work() as session:
            holders = holders_of(session, {one.secret for one in asked if one.secret})
            session.commit()
            return _answers(session, asked, holders)
    except (DataError, TypeError) as error:  # what one of them asks for is no text that a database could hold
        log.info("fetched one by one", error=type(error).__name__)
        return [None] * len(asked)


def _answers(session: Session, asked: Sequence[Fetch], holders: dict[str, Principal]) -> list[bytes | None]:
    wanted: dict[Fetch, Wanted] = {}
    for one in asked:
        holder = holders.get(one.secret)
        if holder and holder.may(Action.READ):
            wanted[one] = Wanted(
                holder.workspace_id,
                one.kind,
                one.file_id,
                one.path.strip("/") if one.path is not None else None,
                one.version_id or None,
                one.environment or None,
            )
    distinct = list(dict.fromkeys(wanted.values()))
    ids = {
        one: each.version_id for one, each in zip(distinct, resolve(session, distinct), strict=True) if each
    }
    groups: dict[tuple[str, bool], set[str]] = {}
    for one, named in wanted.items():
        if named in ids:
            groups.setdefault((named.workspace_id, one.raw), set()).add(ids[named])
    shown: dict[tuple[str, bool], bytes] = {}
    for (workspace_id, raw), meant in groups.items():
        versions = repository.find_versions(session, workspace_id, meant)
        also = ["raw_file_content"] if raw else []
        shown |= {(each["version_id"], raw): encoded(each) for each in present(session, versions, also=also)}
    return [shown.get((ids.get(wanted[one], ""), one.raw)) if one in wanted else None for one in asked]


FETCHES: Gatherer[Fetch, bytes | None] = Gatherer(_fetch, most=_MOST, beside=_BESIDE)
"""For the doors: ask it, and where it has no answer, look for the file by itself, which says why."""
