"""Invitations: one-time links that make somebody a member. Only the link's hash is kept."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.accounts import repository as account_repository
from app.accounts import service as accounts
from app.accounts.models import User
from app.core import clock, ids, security
from app.core.access import Principal, Role
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.settings import get_settings
from app.workspaces import audit, invitation_repository, repository
from app.workspaces.models import Invitation, Membership
from app.workspaces.service import add_member, principal_of


def invite(session: Session, principal: Principal, email: str, role: Role) -> tuple[Invitation, str]:
    """An invitation, and the token of its link, which is shown this once. It takes the place of an older one.

    Raises:
        Invalid: this is no e-mail address.
        Conflict: this person is a member already.
    """
    email = accounts.usable_email(email)
    user = account_repository.find_user_by_email(session, email)
    if user and repository.find_membership(session, principal.workspace_id, user.id):
        raise Conflict(f"{email} is a member already. Change the role in the list.")
    invitation_repository.revoke_invitations_of(session, principal.workspace_id, email)
    token = security.new_token()
    invitation = Invitation(
        id=ids.new_id("inv"),
        workspace_id=principal.workspace_id,
        email=email,
        role=role,
        token_hash=security.token_hash(token),
        invited_by=principal.user_id,
        invited_by_name=principal.name,
        expires_at=clock.now() + timedelta(days=get_settings().invitation_days),
    )
    session.add(invitation)
    session.flush()
    audit.record(
        session, principal, "invitation.created", "invitation", invitation.id, email=email, role=role
    )
    return invitation, token


def renew(session: Session, principal: Principal, invitation_id: str) -> tuple[Invitation, str]:
    """A new link in the place of an open one, which stops working.

    Raises:
        NotFound: there is no such open invitation.
    """
    old = get_open(session, principal, invitation_id)
    return invite(session, principal, old.email, Role(old.role))


def list_open(session: Session, principal: Principal) -> list[Invitation]:
    """The invitations that nobody took up, those that ran out included, newest first."""
    return invitation_repository.list_open_invitations(session, principal.workspace_id)


def get_open(session: Session, principal: Principal, invitation_id: str) -> Invitation:
    """An invitation of the principal's workspace that was neither taken up nor revoked.

    Raises:
        NotFound: there is none with this id.
    """
    found = invitation_repository.find_open_invitation(session, principal.workspace_id, invitation_id)
    if found is None:
        raise NotFound("There is no such open invitation.")
    return found


def revoke(session: Session, principal: Principal, invitation_id: str) -> None:
    """Take an invitation back: its link stops working at once.

    Raises:
        NotFound: there is no such open invitation.
    """
    invitation = get_open(session, principal, invitation_id)
    invitation.revoked_at = clock.now()
    audit.record(
        session, principal, "invitation.revoked", "invitation", invitation.id, email=invitation.email
    )


def find_usable(session: Session, token: str) -> tuple[Invitation, User | None] | None:
    """What a link invites to, and the account that its address has already. Looking does not use it up."""
    invitation = invitation_repository.find_usable_invitation(session, security.token_hash(token))
    if invitation is None:
        return None
    return invitation, account_repository.find_user_by_email(session, invitation.email)


def join_as_new(session: Session, token: str, *, full_name: str, password: str) -> User:
    """Make the account of an invited person, and the membership.

    Raises:
        NotFound: the link is unknown, used, revoked or out of date.
        Invalid: the password is too short; the link can be used again.
        Conflict: the address has an account by now: sign in and follow the link again.
    """
    invitation = _use(session, token)
    user = accounts.create_user(session, email=invitation.email, full_name=full_name[:200], password=password)
    _join(session, invitation, user)
    return user


def welcome(session: Session, email: str, full_name: str) -> User | None:
    """Make the account of somebody whose address is proven, and take up every invitation that the address has; None where
    it is not invited."""
    invited = invitation_repository.use_invitations_of(session, email)
    if not invited:
        return None
    user = accounts.create_user(session, email=email, full_name=full_name[:200])
    user.address_proven_at = clock.now()
    for invitation in invited:
        _join(session, invitation, user)
    return user


def join_as(session: Session, token: str, user: User) -> Membership:
    """Make a person who has an account a member.

    Raises:
        NotFound: the link is unknown, used, revoked or out of date.
        Forbidden: it invites somebody else.
    """
    invitation = _use(session, token)
    if invitation.email != user.email:
        raise Forbidden(f"This link invites {invitation.email}. Sign in as {invitation.email} to follow it.")
    return _join(session, invitation, user)


def _use(session: Session, token: str) -> Invitation:
    used = invitation_repository.use_invitation(session, security.token_hash(token))
    if used is None:
        raise NotFound("This invitation was used, revoked or is out of date. Ask for a new one.")
    return used


def _join(session: Session, invitation: Invitation, user: User) -> Membership:
    role = Role(invitation.role)
    joined = principal_of(invitation.workspace, user, role)
    there = repository.find_membership(session, invitation.workspace_id, user.id)
    # An admin of where they were before could make links for them, and can no more.
    account_repository.delete_unused_tokens_of(session, user.id)
    audit.record(
        session,
        joined,
        "invitation.accepted",
        "invitation",
        invitation.id,
        email=invitation.email,
        invited_by=invitation.invited_by_name,
    )
    return there or add_member(session, joined, user, role)
