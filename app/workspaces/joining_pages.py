"""Links that are followed from outside: joining a workspace, and setting a new password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.accounts import passwords
from app.accounts import service as accounts
from app.accounts.models import User
from app.core import templating
from app.core.access import Role
from app.core.csrf import SESSION_COOKIE, refuse_cross_site, same_site
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.core.permissions import Public
from app.workspaces import invitations, links, service
from app.workspaces.signin_pages import signed_in

router = APIRouter(include_in_schema=False)


@router.get("/join/{token}", dependencies=[Public])
def join_page(request: Request, session: SessionDep, token: str) -> Response:
    """What the link invites to. Looking does not use it up: programs that scan mail look, too."""
    return _join(request, session, token)


def _join(
    request: Request,
    session: SessionDep,
    token: str,
    *,
    full_name: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    found = invitations.find_usable(session, token)
    invitation, account = found or (None, None)
    here = _user_of(request, session)
    return templating.render(
        request,
        "workspaces/join.html",
        status=404 if found is None else 422 if problems else 200,
        invitation=invitation,
        account=account,
        here=here,
        token=token,
        full_name=full_name,
        problems=problems or {},
        minimum=accounts.MINIMUM_PASSWORD,
    )


def _user_of(request: Request, session: SessionDep) -> User | None:
    token = request.cookies.get(SESSION_COOKIE)
    return accounts.session_user(session, token) if token else None


@router.post("/join/{token}", dependencies=[Public, Depends(same_site)])
def join(
    request: Request,
    session: SessionDep,
    token: str,
    full_name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Join: as who is signed in when the address has an account, else with a new one."""
    found = invitations.find_usable(session, token)
    if found is None:
        return _join(request, session, token)
    invitation, account = found
    home = links.home_url(invitation.workspace.slug, Role(invitation.role))
    if account:
        here = _user_of(request, session)
        if here is None:
            raise Unauthenticated("Sign in to join.")
        invitations.join_as(session, token, here)
        return RedirectResponse(home, 303)
    try:
        with session.begin_nested():
            user = invitations.join_as_new(session, token, full_name=full_name, password=password)
    except Invalid as error:
        fields = error.fields or {"": error.message}
        return _join(request, session, token, full_name=full_name, problems=fields)
    except (Conflict, NotFound):
        return _join(request, session, token)
    return signed_in(request, session, accounts.start_session(session, user), home)


@router.get("/reset/{token}", dependencies=[Public])
def reset_page(request: Request, session: SessionDep, token: str) -> Response:
    """The form for a new password."""
    return _reset(request, session, token)


def _reset(request: Request, session: SessionDep, token: str, problem: str = "") -> Response:
    user = passwords.find_reset(session, token)
    return templating.render(
        request,
        "workspaces/reset.html",
        status=404 if user is None else 422 if problem else 200,
        user=user,
        token=token,
        problem=problem,
        minimum=accounts.MINIMUM_PASSWORD,
    )


@router.post("/reset/{token}", dependencies=[Public])
def reset(
    request: Request, session: SessionDep, token: str, password: Annotated[str, Form()] = ""
) -> Response:
    """Set the password and sign in; every other session of the person ends."""
    refuse_cross_site(request)
    try:
        with session.begin_nested():
            fresh, user = passwords.reset_password(session, token, password)
    except Invalid as error:
        return _reset(request, session, token, error.message)
    except Unauthenticated:
        return _reset(request, session, token)
    service.record_of_person(session, user, "password.reset")
    return signed_in(request, session, fresh, "/")
