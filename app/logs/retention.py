"""How long a workspace keeps what its logs hold, and applying that bit by bit: see docs/decisions/0013."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid
from app.logs import retention_repository as repository
from app.logs.models import Retention
from app.workspaces import audit

BATCH = 5_000
"""Logs that one look reads; what is due among them is cleared or deleted in one short transaction."""
QUARANTINE_DAYS = 30
"""Spans that could not be read are kept for so long, to find out why, or as long as payloads where those go sooner."""
_MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Applied:
    """What one look did."""

    read: int = 0
    cleared: int = 0
    deleted: int = 0


def find(session: Session, workspace_id: str) -> Retention | None:
    """What the workspace keeps; None where nobody has set it, and everything is kept."""
    return repository.find_retention(session, workspace_id)


def set_retention(
    session: Session, principal: Principal, payload_days: int | None, log_days: int | None
) -> Retention:
    """Keep payloads and logs for so many days from now on; None keeps them for good. The next walk begins at once.

    Raises:
        Invalid: a number is out of range, or logs would go before their payloads.
    """
    problems = {}
    for name, days in (("payload_days", payload_days), ("log_days", log_days)):
        if days is not None and not 1 <= days <= _MOST_DAYS:
            problems[name] = (
                f"A whole number of days from 1 to {_MOST_DAYS:,}, or empty to keep them for good."
            )
    if not problems and payload_days and log_days and log_days < payload_days:
        problems["log_days"] = "Logs hold the payloads: keep them at least as long."
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)
    retention, before = repository.lock_retention(session, principal.workspace_id)
    retention.payload_days, retention.log_days = payload_days, log_days
    repository.begin_anew(session)
    session.flush()
    audit.record(
        session, principal, "retention.changed", "retention", principal.workspace_id,
        payload_days=payload_days, log_days=log_days, was=before,
    )  # fmt: skip
    return retention


def delete_old_spans(session: Session) -> None:
    """Delete the spans that could not be read and are old. It reads those of every workspace with a retention."""
    repository.delete_quarantined(session, QUARANTINE_DAYS)


def apply(session: Session) -> Applied:
    """Look at the next `BATCH` logs of the walk through all of them, which begins anew once a day.

    Logs of a run are left alone as long as the run is there: what it found must stay provable. At the end of a walk
    the audit log of each workspace says what was done.
    """
    walk = repository.take_walk(session)
    if walk is None:
        return Applied()
    batch = repository.next_logs(session, walk.position, BATCH)
    if not batch:
        repository.end_walk(session)
        for workspace_id, cleared, deleted in repository.take_counts(session):
            audit.record_by_itself(
                session, workspace_id, "retention.applied", "retention", workspace_id,
                payloads_cleared=cleared, logs_deleted=deleted,
            )  # fmt: skip
        return Applied()
    deleted = repository.delete_due(session, walk.position, batch)
    cleared = repository.clear_due(session, walk.position, batch)
    repository.move_walk(session, batch)
    return Applied(BATCH, cleared, deleted)
