"""The settings page of members: who belongs here, in which role, and who is invited."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.core import clock, templating
from app.core.access import ALLOWED, Action, Principal, Role
from app.core.database import SessionDep
from app.core.errors import DomainError
from app.core.permissions import Administrator, Reader
from app.workspaces import erasing, invitations, links, members

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)

ABILITIES = {
    "View files, reports, settings": Action.READ,
    "Judge outputs": Action.JUDGE,
    "Write logs and spans": Action.LOG,
    "Run, evaluate, spend money": Action.RUN,
    "Commit and edit": Action.EDIT,
    "Delete": Action.DELETE,
    "Deploy and roll back": Action.DEPLOY,
    "API keys": Action.OWN_KEYS,
    "Providers, limits, environments, budget": Action.MANAGE,
    "Members, roles, audit log, retention": Action.ADMINISTER,
}
"""What the page tells of, by the action that its routes declare. What has no route yet is not told of."""
_NARROWED = {
    (Action.DELETE, Role.MEMBER): "their own",
    (Action.DEPLOY, Role.DEVELOPER): "protected: if named",
    (Action.OWN_KEYS, Role.DEVELOPER): "their own",
}
METHODS = {"password": "password", "link": "link", "sso": "SSO"}


@router.get("/members", name="workspaces:members")
def members_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """Who belongs here; those who may not see that are told who does."""
    return _members(request, session, principal)


def _members(
    request: Request,
    session: SessionDep,
    principal: Principal,
    *,
    link: links.Link | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    people = members.list_members(session, principal)
    abilities = {
        name: [_NARROWED.get((action, role), "yes") if role in ALLOWED[action] else "" for role in Role]
        for name, action in ABILITIES.items()
    }
    return templating.render(
        request,
        "workspaces/members.html",
        status=status,
        people=people,
        admins=[each.user.full_name for each in people if each.role == Role.ADMIN],
        invited=invitations.list_open(session, principal) if principal.may(Action.ADMINISTER) else [],
        roles=list(Role),
        abilities=abilities,
        methods=METHODS,
        link=link,
        problem=problem,
        now=clock.now(),
    )


@router.get("/members/invite", name="workspaces:invite")
def invite_page(request: Request, _: Administrator) -> Response:
    """The question whom to invite, and as what."""
    return _invite(request)


def _invite(request: Request, email: str = "", role: Role = Role.MEMBER, problem: str = "") -> Response:
    return templating.render(
        request,
        "workspaces/invite.html",
        status=422 if problem else 200,
        email=email,
        chosen=role,
        roles=list(Role),
        problem=problem,
    )


@router.post("/members/invite")
def invite(
    request: Request,
    session: SessionDep,
    principal: Administrator,
    email: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.MEMBER,
) -> Response:
    """Make an invitation and show its link, this once."""
    try:
        with session.begin_nested():
            invitation, token = invitations.invite(session, principal, email, role)
    except DomainError as error:
        return _invite(request, email, role, error.message)
    session.commit()  # a mail must not tell of what is not there
    link = links.send_invitation(invitation.email, principal.workspace_name, principal.name, token)
    return _members(request, session, principal, link=link)


@router.post("/invitations/{invitation_id}/renew")
def renew(request: Request, session: SessionDep, principal: Administrator, invitation_id: str) -> Response:
    """A new link in the place of the old one."""
    invitation, token = invitations.renew(session, principal, invitation_id)
    session.commit()
    link = links.send_invitation(invitation.email, principal.workspace_name, principal.name, token)
    return _members(request, session, principal, link=link)


@router.post("/invitations/{invitation_id}/revoke")
def revoke(session: SessionDep, principal: Administrator, invitation_id: str) -> Response:
    """Take an invitation back."""
    invitations.revoke(session, principal, invitation_id)
    return _back(principal)


@router.get("/members/{user_id}", name="workspaces:member")
def member_page(request: Request, session: SessionDep, principal: Administrator, user_id: str) -> Response:
    """What can be done about one member."""
    member = members.get_member(session, principal, user_id)
    return templating.render(request, "workspaces/member.html", member=member)


@router.post("/members/{user_id}/role")
def change_role(
    request: Request,
    session: SessionDep,
    principal: Administrator,
    user_id: str,
    role: Annotated[Role, Form()],
) -> Response:
    """Give a member another role."""
    return _change(
        request, session, principal, lambda: members.change_role(session, principal, user_id, role)
    )


@router.post("/members/{user_id}/remove")
def remove(request: Request, session: SessionDep, principal: Administrator, user_id: str) -> Response:
    """End a membership."""
    return _change(request, session, principal, lambda: members.remove_member(session, principal, user_id))


@router.post("/members/{user_id}/erase")
def erase(request: Request, session: SessionDep, principal: Administrator, user_id: str) -> Response:
    """Erase a person's account."""
    return _change(request, session, principal, lambda: erasing.erase_member(session, principal, user_id))


@router.post("/members/{user_id}/access")
def set_access(
    request: Request,
    session: SessionDep,
    principal: Administrator,
    user_id: str,
    disabled: Annotated[bool, Form()],
) -> Response:
    """Shut an account out, or let it in again."""
    return _change(
        request,
        session,
        principal,
        lambda: members.set_disabled(session, principal, user_id, disabled=disabled),
    )


@router.post("/members/{user_id}/reset")
def reset(request: Request, session: SessionDep, principal: Administrator, user_id: str) -> Response:
    """Make a link that sets a new password, and show it, this once."""
    try:
        token, member = members.make_reset_link(session, principal, user_id)
    except DomainError as error:
        return _members(request, session, principal, problem=error.message, status=error.status)
    session.commit()
    return _members(request, session, principal, link=links.send_reset(member.user.email, token))


def _change(
    request: Request, session: SessionDep, principal: Principal, change: Callable[[], object]
) -> Response:
    """Do it and go back to the list, or show the list with what is in the way."""
    try:
        with session.begin_nested():
            change()
    except DomainError as error:
        return _members(request, session, principal, problem=error.message, status=error.status)
    return _back(principal)


def _back(principal: Principal) -> Response:
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/members", 303)
