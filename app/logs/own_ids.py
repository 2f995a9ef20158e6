"""Ids that callers choose are their workspace's own: one that another workspace has, too, is stored with a mark behind it.

The mark follows from the workspace and the id. No answer about logs shows it, so that nobody learns what others have.
"""

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from app.core import ids
from app.logs import own_id_repository
from app.logs.records import LogRecord

_MARK, _DIGITS = "~", 12


def marked(workspace_id: str, said: str) -> str:
    """An id with the mark of a workspace."""
    return f"{said}{_MARK}{ids.base62(int(ids.content_hash('log', workspace_id, said), 16), _DIGITS)}"


def said_id(workspace_id: str, stored: str) -> str:
    """The id as its caller said it."""
    said, mark, _ = stored.rpartition(_MARK)
    return said if mark and marked(workspace_id, said) == stored else stored


def said_or_none(workspace_id: str, stored: str | None) -> str | None:
    """The same of an id that may be missing."""
    return said_id(workspace_id, stored) if stored else None


def find_stored(session: Session, workspace_id: str, said: Collection[str]) -> dict[str, str]:
    """Under which id the workspace has, or would have, the log or judgment that it calls by each of these ids."""
    if not said:
        return {}
    marks = {each: marked(workspace_id, each) for each in said}
    whose = own_id_repository.find_holders(session, [*marks, *marks.values()])
    return {
        each: mark if mark in whose or whose.get(each, workspace_id) != workspace_id else each
        for each, mark in marks.items()
    }


def find_one(session: Session, workspace_id: str, said: str) -> str:
    """The same of one id."""
    return find_stored(session, workspace_id, [said])[said]


def name_records(
    session: Session, workspace_id: str, records: Sequence[LogRecord], chosen: Collection[str]
) -> list[str]:
    """Give records, and what they are nested under, the ids that they are stored by; those of the `chosen` ones. Logs that
    wait for one of them follow it."""
    own = {record.id for record in records} - set(chosen)
    said = {*chosen, *(one.parent_id for one in records if one.parent_id and one.parent_id not in own)}
    stored = find_stored(session, workspace_id, said)
    if changed := {before: after for before, after in stored.items() if before != after}:
        for record in records:
            if record.id in chosen:
                record.id = stored[record.id]
            record.parent_id = stored.get(record.parent_id or "", record.parent_id)
        for before, after in sorted(changed.items()):
            own_id_repository.follow(session, workspace_id, before, after)
    return [stored[each] for each in chosen]
