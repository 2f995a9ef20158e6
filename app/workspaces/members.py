"""Who belongs to a workspace: roles, removal, disabling, and password resets. There is always an admin left."""

from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts import repository as account_repository
from app.accounts.models import User
from app.core import clock
from app.core.access import Principal, Role
from app.core.errors import Conflict, Forbidden, NotFound
from app.workspaces import audit, invitation_repository, repository
from app.workspaces.models import Membership
from app.workspaces.service import principal_of


def list_members(session: Session, principal: Principal) -> list[Membership]:
    """The members of the workspace, with the people themselves, by role and then by name."""
    order = list(Role)
    members = repository.list_members(session, principal.workspace_id)
    return sorted(members, key=lambda each: (order.index(Role(each.role)), each.user.full_name.lower()))


def get_member(session: Session, principal: Principal, user_id: str) -> Membership:
    """A member of the principal's workspace, with the person.

    Raises:
        NotFound: nobody of this workspace has this id.
    """
    membership = repository.find_member(session, principal.workspace_id, user_id)
    if membership is None:
        raise NotFound("Nobody in this workspace has this id.")
    return membership


def change_role(session: Session, principal: Principal, user_id: str, role: Role) -> Membership:
    """Give a member another role. It holds from their next request on, for their keys too. Who is no admin any more
    leaves no way in: the open invitations and links that they made are revoked.

    Raises:
        Conflict: the workspace would be left without an admin.
    """
    membership = get_member(session, principal, user_id)
    before = membership.role
    if role == before:
        return membership
    if before == Role.ADMIN:
        keep_an_admin(session, principal.workspace_id, user_id, "Make somebody else an admin first.")
        _close_ways_in(session, user_id, principal.workspace_id)
    membership.role = role
    session.flush()
    audit.record(
        session, principal, "member.role_changed", "user", user_id,
        name=membership.user.full_name, role=role, was=before,
    )  # fmt: skip
    return membership


def remove_member(session: Session, principal: Principal, user_id: str) -> None:
    """End a membership. The person's keys, and the open invitations and links that they made, are revoked; what else they
    made stays.

    Raises:
        Conflict: the workspace would be left without an admin.
    """
    membership = get_member(session, principal, user_id)
    if membership.role == Role.ADMIN:
        keep_an_admin(session, principal.workspace_id, user_id, "Make somebody else an admin first.")
    revoked = repository.revoke_keys_of(session, principal.workspace_id, user_id)
    _close_ways_in(session, user_id, principal.workspace_id)
    session.delete(membership)
    session.flush()
    audit.record(
        session, principal, "member.removed", "user", user_id,
        name=membership.user.full_name, email=membership.user.email, role=membership.role, keys_revoked=revoked,
    )  # fmt: skip


def set_disabled(session: Session, principal: Principal, user_id: str, *, disabled: bool) -> Membership:
    """Shut an account out everywhere, or let it in again. Sessions end; keys stop while it is disabled.

    Raises:
        Forbidden: the person belongs to a workspace that the principal does not administer.
        Conflict: a workspace would be left without an admin.
    """
    membership = get_member(session, principal, user_id)
    refuse_others_people(session, principal, membership)
    if disabled == (membership.user.disabled_at is not None):
        return membership
    if disabled:
        for each in repository.list_memberships(session, user_id):
            if each.role == Role.ADMIN:
                keep_an_admin(session, each.workspace_id, user_id, "Make somebody else an admin first.")
        account_repository.delete_sessions_of(session, user_id)
        account_repository.delete_unused_tokens_of(session, user_id)
        _close_ways_in(session, user_id)
    membership.user.disabled_at = clock.now() if disabled else None
    session.flush()
    action = "member.disabled" if disabled else "member.enabled"
    audit.record(session, principal, action, "user", user_id, name=membership.user.full_name)
    return membership


def make_reset_link(session: Session, principal: Principal, user_id: str) -> tuple[str, Membership]:
    """A token for `/reset/{token}`, and whose password it sets.

    Raises:
        Forbidden: the person belongs to a workspace that the principal does not administer.
        NotFound: the account is disabled.
    """
    membership = get_member(session, principal, user_id)
    refuse_others_people(session, principal, membership)
    token = passwords.create_reset_link(session, membership.user.email, made_by=principal.user_id)
    audit.record(
        session, principal, "member.reset_link_made", "user", user_id, name=membership.user.full_name
    )
    return token, membership


def close_for_owner(session: Session, user: User) -> None:
    """Revoke the API keys of an account that goes to the person whose address it has, and the open invitations and links
    that were made with it: they are of whoever had it before.
    """
    for each in repository.list_memberships(session, user.id):
        revoked = repository.revoke_keys_of(session, each.workspace_id, user.id)
        principal = principal_of(each.workspace, user, Role(each.role))
        audit.record(session, principal, "member.taken_over", "user", user.id, keys_revoked=revoked)
    _close_ways_in(session, user.id)


def _close_ways_in(session: Session, user_id: str, workspace_id: str | None = None) -> None:
    """Revoke what somebody could still open who lost their rights: in the workspace, or in all."""
    invitation_repository.revoke_invitations_by(session, user_id, workspace_id)
    account_repository.delete_unused_tokens_by(session, user_id)


def keep_an_admin(session: Session, workspace_id: str, leaving: str, remedy: str) -> None:
    """Refuse what takes the last admin away. Locks the workspace: of two who leave at once, one is refused."""
    repository.lock_workspace(session, workspace_id)
    if not repository.any_other_admin(session, workspace_id, leaving):
        raise Conflict(f"This is the only admin of the workspace. {remedy}")


def refuse_others_people(session: Session, principal: Principal, membership: Membership) -> None:
    """An account is one for all workspaces: whoever can set its password can go wherever it goes. A key opens its own
    workspace only, whatever else its maker administers."""
    elsewhere = [
        each.workspace_id
        for each in repository.list_memberships(session, membership.user_id)
        if each.workspace_id != principal.workspace_id
    ]
    if elsewhere and principal.key_id:
        raise Forbidden(
            f"{membership.user.full_name} belongs to another workspace too, where this key opens nothing. "
            "An admin of all their workspaces does it on the members page."
        )
    administered = repository.workspaces_administered_by(session, principal.user_id)
    if not set(elsewhere) <= administered:
        raise Forbidden(
            f"{membership.user.full_name} belongs to another workspace too, and you are no admin of that one. "
            "Whoever runs the server makes a link: ./whetstone signin EMAIL --reset"
        )
