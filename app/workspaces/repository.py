"""The SQL of workspaces."""

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from app.accounts.models import User
from app.core.access import Role
from app.workspaces.models import ApiKey, AuditEntry, Membership, Workspace


def find_workspace(session: Session, slug: str) -> Workspace | None:
    return session.scalar(select(Workspace).where(Workspace.slug == slug))


def find_membership(session: Session, workspace_id: str, user_id: str) -> Membership | None:
    return session.get(Membership, (workspace_id, user_id))


def list_memberships(session: Session, user_id: str) -> list[Membership]:
    """The workspaces of a person, with the workspaces themselves, by name."""
    query = select(Membership).join(Workspace).where(Membership.user_id == user_id).order_by(Workspace.name)
    return list(session.scalars(query.options(joinedload(Membership.workspace))))


def find_live_key(session: Session, secret_hash: str) -> tuple[ApiKey, User, Membership, Workspace] | None:
    """The key that is neither revoked nor expired, with its maker, who must still be a member."""
    row = session.execute(
        select(ApiKey, User, Membership, Workspace)
        .join(User, User.id == ApiKey.created_by)
        .join(Workspace, Workspace.id == ApiKey.workspace_id)
        .join(Membership, (Membership.user_id == User.id) & (Membership.workspace_id == ApiKey.workspace_id))
        .where(
            ApiKey.secret_hash == secret_hash,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    return row or None


def touch_key(session: Session, key_id: str, unless_after: datetime) -> None:
    """Note that a key was used, unless that was noted after `unless_after` (saves a write a request)."""
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < unless_after))
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )


def list_keys(session: Session, workspace_id: str, *, created_by: str | None = None) -> list[ApiKey]:
    """The keys of a workspace, newest first, with their makers; only those of `created_by` when given."""
    query = select(ApiKey).where(ApiKey.workspace_id == workspace_id).options(joinedload(ApiKey.maker))
    if created_by:
        query = query.where(ApiKey.created_by == created_by)
    return list(session.scalars(query.order_by(ApiKey.id.desc())))


def find_key(session: Session, workspace_id: str, key_id: str) -> ApiKey | None:
    return session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.workspace_id == workspace_id))


def list_audit(session: Session, workspace_id: str, limit: int) -> list[AuditEntry]:
    """The newest entries of a workspace's audit log."""
    query = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
    return list(session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))


def find_first_admin(session: Session, workspace_id: str) -> User | None:
    """The admin who has been in the workspace the longest."""
    query = select(User).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.workspace_id == workspace_id, Membership.role == Role.ADMIN)
    return session.scalar(query.order_by(Membership.created_at, User.id).limit(1))


def find_person(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)
