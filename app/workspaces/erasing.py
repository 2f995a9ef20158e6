"""Erasing a person: name, address, sessions and keys go everywhere; what they made stays, under "Deleted person"."""

import re
from typing import Any

from sqlalchemy.orm import Session

from app.accounts import repository as account_repository
from app.accounts import throttle
from app.accounts.models import User
from app.core.access import Principal, Role
from app.core.errors import Conflict, NotFound
from app.workspaces import audit, erasing_repository, invitation_repository, members, repository

DELETED = "Deleted person"


def erase_myself(session: Session, principal: Principal) -> None:
    """Erase the principal's own account, in all workspaces.

    Raises:
        Conflict: a workspace would be left without an admin.
    """
    user = repository.find_person(session, principal.user_id)
    if user is None:
        raise NotFound("This account is gone.")
    _erase(session, principal, user)


def erase_member(session: Session, principal: Principal, user_id: str) -> None:
    """Erase the account of a member, in all workspaces.

    Raises:
        NotFound: nobody of this workspace has this id.
        Forbidden: the person belongs to a workspace that the principal does not administer.
        Conflict: a workspace would be left without an admin.
    """
    membership = members.get_member(session, principal, user_id)
    members.refuse_others_people(session, principal, membership)
    _erase(session, principal, membership.user)


def erase_without_workspace(session: Session, email: str) -> None:
    """Erase the account of somebody who belongs to no workspace, and whom no admin therefore finds.

    Raises:
        NotFound: nobody has this address.
        Conflict: they belong to a workspace: an admin of it erases them.
    """
    user = account_repository.find_user_by_email(session, email)
    if user is None:
        raise NotFound(f"Nobody has the address {email}.")
    names = [each.workspace.name for each in repository.list_memberships(session, user.id)]
    if names:
        raise Conflict(f"{email} belongs to {', '.join(names)}: an admin there erases the account.")
    _erase(session, None, user)


def _erase(session: Session, principal: Principal | None, user: User) -> None:
    """`principal` may be None where the person has no workspace whose audit log could tell of it."""
    user_id, name, email = user.id, user.full_name, user.email
    memberships = repository.list_memberships(session, user_id)
    for each in memberships:
        if each.role == Role.ADMIN:
            members.keep_an_admin(session, each.workspace_id, user_id, "Make somebody else an admin first.")
    if principal:
        for each in memberships:
            audit.record(session, _in(principal, each.workspace_id), "member.erased", "user", user_id)
    # The links that they made go with the account.
    invitation_repository.revoke_invitations_by(session, user_id)
    session.flush()
    erasing_repository.rename(session, user_id, DELETED)
    erasing_repository.rename_imported(session, user_id, name, email, DELETED)
    entries = erasing_repository.entries_about(session, user_id, name, email)
    changed = {entry_id: _without(detail, name, email) for entry_id, detail in entries}
    erasing_repository.rewrite_audit(session, user_id, DELETED, changed)
    account = throttle.sign_in_keys(email, "unknown")[-1]
    erasing_repository.delete_person(session, user_id, email, account)
    session.expunge(user)


def _in(principal: Principal, workspace_id: str) -> Principal:
    """The principal in another of their workspaces: its audit log tells of it, too."""
    return Principal(
        user_id=principal.user_id, name=principal.name, email=principal.email, workspace_id=workspace_id,
        workspace_slug="", workspace_name="", role=principal.role, key_id=principal.key_id,
    )  # fmt: skip


def _without(value: Any, name: str, email: str) -> Any:
    """`value` with the address, wherever it stands, and the name, where a text is it or lists it, taken out."""
    if isinstance(value, dict):
        return {key: _without(each, name, email) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(each, name, email) for each in value]
    if not isinstance(value, str):
        return value
    value = _whole(email).sub(DELETED, value)
    return re.sub(rf"(^|, ){re.escape(name)}(?=$|, )", rf"\1{DELETED}", value)


def _whole(email: str) -> re.Pattern[str]:
    """The address, but not where it is only a part of somebody else's."""
    return re.compile(rf"(?<![\w.+%-]){re.escape(email)}(?![\w-]|\.\w)", re.IGNORECASE)
