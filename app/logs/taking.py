"""Logs that are taken to be worked on: the newest that a filter means and that can be read, looked for in a bounded time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.logs import listing_repository
from app.logs.listing_repository import Place, Wanted

_LONGEST_LOOK_S = 2.0
"""After so long no further part of the logs is read: somebody waits for the page."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found."""

    ids: Sequence[str]
    """Newest first."""
    has_more: bool
    """Whether more than these match."""
    looked_at: int | None
    """How many logs were looked at, where older ones may match, too; None where all were."""


def take_readable(session: Session, workspace_id: str, wanted: Wanted, most: int) -> Taken:
    """The newest `most` of the logs that are meant and have an output that can be read."""
    wanted = replace(wanted, readable=True)
    found: list[str] = []
    place: Place | None = None
    looked_at, until = 0, time.monotonic() + _LONGEST_LOOK_S
    while True:
        part = listing_repository.size_of_part(session, workspace_id, wanted, place)
        limit = most + 1 - len(found)
        found += listing_repository.list_ids(session, workspace_id, wanted, limit, part, place)
        if len(found) > most:
            return Taken(found[:most], True, None)
        place = (
            listing_repository.last_looked_at(session, workspace_id, wanted, part, place) if part else None
        )
        looked_at += part
        if place is None:
            return Taken(found, False, None)
        if looked_at >= wanted.most or time.monotonic() > until:
            return Taken(found, False, looked_at)
