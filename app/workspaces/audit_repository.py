"""The SQL of the audit log: newest first, by filter, from any entry on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from app.core.pagination import EXACT_TOTAL
from app.workspaces.models import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; None and empty mean all."""

    actor_id: str = ""
    action: str = ""
    """An action such as `key.created`, or a noun such as `key` for all of its actions."""
    since: datetime | None = None
    until: datetime | None = None
    """Not included."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL."""
        found: list[ColumnElement[bool]] = []
        if self.actor_id:
            found.append(AuditEntry.actor_id == self.actor_id)
        if self.action:
            noun = AuditEntry.action.startswith(f"{self.action}.", autoescape=True)
            found.append((AuditEntry.action == self.action) | noun)
        if self.since:
            found.append(AuditEntry.at >= self.since)
        if self.until:
            found.append(AuditEntry.at < self.until)
        return found


def list_entries(
    session: Session,
    workspace_id: str,
    chosen: AuditFilter,
    *,
    limit: int,
    before: str | None = None,
    offset: int = 0,
) -> list[AuditEntry]:
    """Entries of a workspace, newest first: those older than the entry `before`, if one is given."""
    query = _matching(workspace_id, chosen)
    if before:
        last = select(AuditEntry.at, AuditEntry.id).where(
            AuditEntry.workspace_id == workspace_id, AuditEntry.id == before
        )
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < last.scalar_subquery())
    query = query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    return list(session.scalars(query.limit(limit).offset(offset)))


def count_entries(session: Session, workspace_id: str, chosen: AuditFilter) -> int:
    """How many entries there are, counted up to where totals are exact."""
    counted = _matching(workspace_id, chosen).limit(EXACT_TOTAL).with_only_columns(AuditEntry.id).subquery()
    return session.scalar(select(func.count()).select_from(counted)) or 0


def count_about(session: Session, workspace_id: str, action: str, subject_id: str, since: datetime) -> int:
    """How many entries of an action there are about one subject since a moment."""
    query = _matching(workspace_id, AuditFilter(action=action, since=since))
    query = query.where(AuditEntry.subject_id == subject_id).with_only_columns(func.count())
    return session.scalar(query) or 0


def last_about(session: Session, workspace_id: str, action: str, subject_id: str) -> AuditEntry | None:
    """The newest entry of an action about one subject."""
    query = _matching(workspace_id, AuditFilter(action=action)).where(AuditEntry.subject_id == subject_id)
    return session.scalar(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(1))


def list_recent(session: Session, workspace_id: str, limit: int) -> list[AuditEntry]:
    """The newest entries that all of the workspace may see: what was done to files, providers and environments.

    What happened by itself, as the first deployment of each file, is in the log, and is no news.
    """
    query = _matching(workspace_id, AuditFilter())
    query = query.where(AuditEntry.detail["automatic"].astext.is_distinct_from("true"))
    for noun in ("member", "invitation", "password", "session", "key"):
        query = query.where(AuditEntry.action.not_like(f"{noun}.%"))
    return list(session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)))


def list_actors(session: Session, workspace_id: str) -> Sequence[tuple[str, str]]:
    """Everybody who ever did something here, by name: id and last name."""
    name = func.max(AuditEntry.actor_name)
    query = select(AuditEntry.actor_id, name).where(
        AuditEntry.workspace_id == workspace_id, AuditEntry.actor_id.is_not(None)
    )
    return [
        (str(key), value)
        for key, value in session.execute(query.group_by(AuditEntry.actor_id).order_by(name))
    ]


def list_actions(session: Session, workspace_id: str) -> list[str]:
    """Every action that was ever recorded here."""
    query = select(AuditEntry.action).where(AuditEntry.workspace_id == workspace_id).distinct()
    return sorted(session.scalars(query))


def _matching(workspace_id: str, chosen: AuditFilter) -> Select[AuditEntry]:
    return select(AuditEntry).where(AuditEntry.workspace_id == workspace_id, *chosen.conditions())
