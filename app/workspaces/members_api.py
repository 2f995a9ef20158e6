"""The routes of members and of open invitations."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Response
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.access import Role
from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Administrator
from app.workspaces import erasing, invitations, links, members
from app.workspaces.models import Invitation, Membership

router = APIRouter(prefix="/v5/members", tags=["Members"])
Json = dict[str, Any]


class MemberInvite(Body):
    """Whom to invite."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"email": "lena@example.com", "role": "developer"}

    email: str = Field(max_length=254)
    role: Role = Role.MEMBER


class MemberUpdate(Body):
    """What to change of a member; what is absent stays."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"role": "reviewer"}

    role: Role | None = None
    disabled: bool | None = None


@router.get("")
def list_members(session: SessionDep, principal: Administrator) -> list[Json]:
    """Who belongs to the workspace, then who is invited. `status` is active, disabled or invited."""
    people = [_present(each) for each in members.list_members(session, principal)]
    return people + [_present_invitation(each) for each in invitations.list_open(session, principal)]


@router.post("", status_code=201)
def invite_member(body: MemberInvite, session: SessionDep, principal: Administrator) -> Json:
    """Invite somebody. `link` is shown this once: hand it over; it works once."""
    invitation, token = invitations.invite(session, principal, body.email, body.role)
    session.commit()  # a mail must not tell of what is not there
    link = links.send_invitation(invitation.email, principal.workspace_name, principal.name, token)
    return _present_invitation(invitation) | {"link": link.url}


@router.patch("/{member_id}")
def update_member(
    member_id: str,
    body: Annotated[MemberUpdate, WholeBody(default_factory=MemberUpdate)],
    session: SessionDep,
    principal: Administrator,
) -> Json:
    """Change a member's role, or shut their account out (`disabled`). Holds from their next request on."""
    membership = members.get_member(session, principal, member_id)
    if body.role is not None:
        membership = members.change_role(session, principal, member_id, body.role)
    if body.disabled is not None:
        membership = members.set_disabled(session, principal, member_id, disabled=body.disabled)
    return _present(membership)


@router.delete("/{member_id}", status_code=204)
def remove_member(member_id: str, session: SessionDep, principal: Administrator) -> Response:
    """End a membership and revoke its keys, or take an open invitation back (`inv_…`)."""
    if member_id.startswith("inv_"):
        invitations.revoke(session, principal, member_id)
    else:
        members.remove_member(session, principal, member_id)
    return Response(status_code=204)


@router.delete("/{member_id}/account", status_code=204)
def erase_member(member_id: str, session: SessionDep, principal: Administrator) -> Response:
    """Erase a person's account, in all workspaces: name, address, sessions and keys go, what they made stays."""
    erasing.erase_member(session, principal, member_id)
    return Response(status_code=204)


def _present(membership: Membership) -> Json:
    person = membership.user
    return {
        "id": person.id,
        "status": "disabled" if person.disabled_at else "active",
        "email": person.email,
        "full_name": person.full_name,
        "role": membership.role,
        "created_at": membership.created_at,
        "last_seen_at": person.last_seen_at,
        "expires_at": None,
    }


def _present_invitation(invitation: Invitation) -> Json:
    expires_at: datetime = invitation.expires_at
    return {
        "id": invitation.id,
        "status": "invited",
        "email": invitation.email,
        "full_name": None,
        "role": invitation.role,
        "created_at": invitation.created_at,
        "last_seen_at": None,
        "expires_at": expires_at,
    }
