"""The audit log: who did what, in rows that are only ever added."""

from typing import Any

from sqlalchemy.orm import Session

from app.core import clients, ids
from app.core.access import Principal
from app.workspaces.models import AuditEntry


def record(
    session: Session, principal: Principal, action: str, subject_type: str, subject_id: str, **detail: Any
) -> None:
    """Add an entry to the log of the principal's workspace; it commits with what it is about.

    `action` is `noun.verb` in the past tense, for example `deployment.created`. `detail` holds no secrets.
    """
    session.add(
        AuditEntry(
            id=ids.new_id("aud"),
            workspace_id=principal.workspace_id,
            actor_id=principal.user_id,
            actor_name=principal.name,
            key_id=principal.key_id,
            address=clients.current_address(),
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            detail=detail,
        )
    )


def record_by_itself(
    session: Session, workspace_id: str, action: str, subject_type: str, subject_id: str, **detail: Any
) -> None:
    """Add an entry for what the server did by itself, because it was set so."""
    session.add(
        AuditEntry(
            id=ids.new_id("aud"),
            workspace_id=workspace_id,
            actor_name="Whetstone",
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            detail=detail,
        )
    )


def record_by_stranger(
    session: Session, workspace_id: str, action: str, subject_type: str, subject_id: str, **detail: Any
) -> None:
    """Add an entry for what somebody did who has not shown who they are. The caller bounds how many."""
    session.add(
        AuditEntry(
            id=ids.new_id("aud"),
            workspace_id=workspace_id,
            actor_name="Somebody",
            address=clients.current_address(),
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            detail=detail,
        )
    )
