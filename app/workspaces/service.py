"""Workspaces: opening them, who belongs to them, and their API keys."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.models import User
from app.core import clock, ids, security
from app.core.access import Principal, Role
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.workspaces import audit, repository
from app.workspaces.models import ApiKey, Membership, Workspace

KEY_PREFIX = "whet_"
"""How a key of ours is told from others, by people and by secret scanners."""
_RANK = {role: rank for rank, role in enumerate(Role)}


def slug_of(name: str) -> str:
    """`name` as it can stand in a URL: lower-case ASCII letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]


def create_workspace(session: Session, *, name: str, admin: User, slug: str | None = None) -> Workspace:
    """A new workspace with its first admin. It has no environments yet: see `home.onboarding`.

    Raises:
        Invalid: the name has no letter or digit to make an address of.
        Conflict: the address is taken.
    """
    slug = slug or slug_of(name)
    if not slug:
        text = "Use at least one letter or digit, from a to z or 0 to 9: the address is made of them."
        raise Invalid(text, fields={"workspace": text})
    if repository.find_workspace(session, slug):
        raise Conflict(f"A workspace with the address {slug} exists already. Choose another name.")
    workspace = Workspace(id=ids.new_id("ws"), slug=slug, name=name.strip())
    session.add(workspace)
    session.flush()
    add_member(session, principal_of(workspace, admin, Role.ADMIN), admin, Role.ADMIN)
    return workspace


def add_member(session: Session, by: Principal, user: User, role: Role) -> Membership:
    """Make `user` a member of the workspace of `by`, which the audit log keeps."""
    membership = Membership(workspace_id=by.workspace_id, user_id=user.id, role=role)
    session.add(membership)
    session.flush()
    audit.record(
        session, by, "member.added", "user", user.id, name=user.full_name, email=user.email, role=role
    )
    return membership


def principal_of(workspace: Workspace, user: User, role: Role, key_id: str | None = None) -> Principal:
    """`user` acting in `workspace` as `role`."""
    return Principal(
        user_id=user.id,
        name=user.full_name,
        email=user.email,
        workspace_id=workspace.id,
        workspace_slug=workspace.slug,
        workspace_name=workspace.name,
        role=role,
        key_id=key_id,
    )


def holders_of(session: Session, secrets: Collection[str]) -> dict[str, Principal]:
    """Who holds each of these API keys, by the key itself; those that do not hold are left out. Their use is noted."""
    by_hash = {security.token_hash(secret): secret for secret in secrets}
    keys = repository.find_live_keys(session, by_hash)
    if stale := [key.key_id for key in keys if key.stale]:
        repository.touch_keys(session, stale)
    return {
        by_hash[key.secret_hash]: Principal(
            user_id=key.user_id,
            name=key.full_name,
            email=key.email,
            workspace_id=key.workspace_id,
            workspace_slug=key.slug,
            workspace_name=key.workspace_name,
            role=max(Role(key.key_role), Role(key.member_role), key=_RANK.__getitem__),
            key_id=key.key_id,
        )
        for key in keys
    }


def record_of_person(session: Session, user: User, action: str, **detail: Any) -> None:
    """Note in the audit log of every workspace of a person what they did about their own account."""
    for membership in repository.list_memberships(session, user.id):
        principal = principal_of(membership.workspace, user, Role(membership.role))
        audit.record(session, principal, action, "user", user.id, name=user.full_name, **detail)


def create_key(
    session: Session, principal: Principal, *, name: str, role: Role, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new API key, and its secret, which is shown this once.

    Raises:
        Forbidden: the key would be allowed more than its maker.
        Invalid: no name, or an expiry that has passed.
    """
    if not name.strip():
        raise Invalid("Name the key after what uses it.", fields={"name": "Name the key after what uses it."})
    if expires_at and expires_at <= clock.now():
        raise Invalid("The expiry has passed.", fields={"expires_at": "Choose a moment in the future."})
    if _RANK[role] < _RANK[principal.role]:
        raise Forbidden(f"A key cannot be allowed more than its maker: choose {principal.role} or less.")
    secret = security.new_token(KEY_PREFIX)
    key = ApiKey(
        id=ids.new_id("key"),
        workspace_id=principal.workspace_id,
        name=name.strip(),
        role=role,
        hint=secret[: len(KEY_PREFIX) + 4],
        secret_hash=security.token_hash(secret),
        created_by=principal.user_id,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    audit.record(session, principal, "key.created", "key", key.id, name=key.name, role=role)
    return key, secret


def list_keys(session: Session, principal: Principal) -> list[ApiKey]:
    """The keys that the principal may see: an admin all of them, others their own."""
    mine = None if principal.role is Role.ADMIN else principal.user_id
    return repository.list_keys(session, principal.workspace_id, created_by=mine)


def revoke_key(session: Session, principal: Principal, key_id: str) -> None:
    """Stop a key from working, at once. Revoking it again changes nothing.

    Raises:
        NotFound: no such key, or it is somebody else's and the principal is no admin.
    """
    key = repository.find_key(session, principal.workspace_id, key_id)
    if key is None or (principal.role is not Role.ADMIN and key.created_by != principal.user_id):
        raise NotFound("There is no such key.")
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        audit.record(session, principal, "key.revoked", "key", key.id, name=key.name)
