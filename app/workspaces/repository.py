"""The SQL of workspaces."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, joinedload

from app.accounts.models import User
from app.core.access import Role
from app.workspaces.models import ApiKey, Membership, Workspace


def find_workspace(session: Session, slug: str) -> Workspace | None:
    return session.scalar(select(Workspace).where(Workspace.slug == slug))


def list_slugs(session: Session) -> list[str]:
    """The addresses of all workspaces."""
    return list(session.scalars(select(Workspace.slug).order_by(Workspace.slug)))


def find_membership(session: Session, workspace_id: str, user_id: str) -> Membership | None:
    return session.get(Membership, (workspace_id, user_id))


def list_memberships(session: Session, user_id: str) -> list[Membership]:
    """The workspaces of a person, with the workspaces themselves, by name."""
    query = select(Membership).join(Workspace).where(Membership.user_id == user_id).order_by(Workspace.name)
    return list(session.scalars(query.options(joinedload(Membership.workspace))))


class LiveKey(NamedTuple):
    """A key that is neither revoked nor expired, with its maker, who is still a member of its workspace."""

    secret_hash: str
    key_id: str
    key_role: str
    stale: bool
    """Whether its use was not noted for a minute: noting it saves a write on most requests."""
    user_id: str
    full_name: str
    email: str
    member_role: str
    workspace_id: str
    slug: str
    workspace_name: str


_LIVE_KEYS = text("""
    select k.secret_hash, k.id, k.role, (k.last_used_at > now() - interval '1 minute') is not true,
           u.id, u.full_name, u.email, m.role, w.id, w.slug, w.name
    from api_key k
    join workspace w on w.id = k.workspace_id
    join user_account u on u.id = k.created_by and u.disabled_at is null
    join membership m on m.user_id = u.id and m.workspace_id = w.id
    where k.secret_hash = any(:hashes) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
""")


def find_live_keys(session: Session, secret_hashes: Collection[str]) -> list[LiveKey]:
    """The keys with these hashes that hold. Columns and not entities, by a statement that is built once: it is asked
    before every request."""
    return [LiveKey(*row) for row in session.execute(_LIVE_KEYS, {"hashes": list(secret_hashes)})]


def touch_keys(session: Session, key_ids: Collection[str]) -> None:
    """Note that keys were used now. In one order, so that two of these never wait for each other."""
    of = select(ApiKey.id).where(ApiKey.id.in_(key_ids)).order_by(ApiKey.id).with_for_update()
    session.execute(
        update(ApiKey)
        .where(ApiKey.id.in_(of.scalar_subquery()))
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


def find_first_admin(session: Session, workspace_id: str) -> User | None:
    """The admin who has been in the workspace the longest."""
    query = select(User).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.workspace_id == workspace_id, Membership.role == Role.ADMIN)
    return session.scalar(query.order_by(Membership.created_at, User.id).limit(1))


def list_members(session: Session, workspace_id: str) -> list[Membership]:
    """The members of a workspace with the people."""
    query = select(Membership).where(Membership.workspace_id == workspace_id)
    return list(session.scalars(query.options(joinedload(Membership.user))))


def find_member(session: Session, workspace_id: str, user_id: str) -> Membership | None:
    """A membership with the person."""
    query = select(Membership).where(Membership.workspace_id == workspace_id, Membership.user_id == user_id)
    return session.scalar(query.options(joinedload(Membership.user)))


def lock_workspace(session: Session, workspace_id: str) -> None:
    """Make whoever else would lock the workspace wait for the end of this transaction."""
    session.execute(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update())


def any_other_admin(session: Session, workspace_id: str, besides: str) -> bool:
    """Whether the workspace has an admin, with an account that is not disabled, besides this person."""
    query = select(Membership.user_id).join(User, User.id == Membership.user_id)
    query = query.where(
        Membership.workspace_id == workspace_id,
        Membership.role == Role.ADMIN,
        Membership.user_id != besides,
        User.disabled_at.is_(None),
    )
    return session.scalar(query.limit(1)) is not None


def workspaces_administered_by(session: Session, user_id: str) -> set[str]:
    """The ids of the workspaces of which this person is an admin."""
    query = select(Membership.workspace_id)
    return set(session.scalars(query.where(Membership.user_id == user_id, Membership.role == Role.ADMIN)))


def revoke_keys_of(session: Session, workspace_id: str, user_id: str) -> int:
    """Revoke every key that a person made in the workspace; how many were live."""
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.workspace_id == workspace_id, ApiKey.created_by == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return len(revoked.all())


def find_person(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def webhook_key_number(session: Session, workspace_id: str) -> int:
    """Which key signs what is sent to the services of a workspace."""
    return session.scalars(select(Workspace.webhook_key).where(Workspace.id == workspace_id)).one()


def next_webhook_key(session: Session, workspace_id: str) -> None:
    """Take the next key from now on."""
    change = update(Workspace).where(Workspace.id == workspace_id)
    session.execute(change.values(webhook_key=Workspace.webhook_key + 1))
