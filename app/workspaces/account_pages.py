"""One's own account: who you are here, your password, and signing out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.accounts import passwords
from app.accounts import service as accounts
from app.core import templating
from app.core.csrf import SESSION_COOKIE
from app.core.database import SessionDep
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.permissions import SignedIn
from app.workspaces import erasing, repository, service

router = APIRouter(prefix="/w/{w}/settings/account", include_in_schema=False)


@router.get("", name="workspaces:account")
def account_page(request: Request, session: SessionDep, principal: SignedIn) -> Response:
    """Who you are here, your password, and signing out."""
    return _account(request, session, principal)


def _account(
    request: Request,
    session: SessionDep,
    principal: SignedIn,
    *,
    problems: dict[str, str] | None = None,
    saved: bool = False,
    status: int = 200,
) -> Response:
    user = repository.find_person(session, principal.user_id)
    return templating.render(
        request,
        "workspaces/account.html",
        status=status,
        problems=problems or {},
        saved=saved,
        has_password=bool(user and user.password_hash),
        minimum=accounts.MINIMUM_PASSWORD,
    )


@router.post("")
def change_password(
    request: Request,
    session: SessionDep,
    principal: SignedIn,
    current: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Set a new password; every other session ends."""
    user = repository.find_person(session, principal.user_id)
    if user is None:
        raise NotFound("This account is gone.")
    keep = request.cookies.get(SESSION_COOKIE, "")
    try:
        passwords.change_password(session, user, current=current, new=password, keep=keep)
    except Invalid as error:
        return _account(request, session, principal, problems=error.fields, status=422)
    except TooMany as error:
        return _account(request, session, principal, problems={"current": error.message}, status=429)
    service.record_of_person(session, user, "password.changed")
    return _account(request, session, principal, saved=True)


@router.post("/sign-out-everywhere")
def sign_out_everywhere(session: SessionDep, principal: SignedIn) -> Response:
    """End every session of yours, this one included."""
    user = repository.find_person(session, principal.user_id)
    if user:
        service.record_of_person(session, user, "session.ended_everywhere")
    accounts.sign_out_everywhere(session, principal.user_id)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.post("/erase")
def erase(
    request: Request, session: SessionDep, principal: SignedIn, erase_with: Annotated[str, Form()] = ""
) -> Response:
    """Erase this account: for whoever knows its password, where it has one."""
    user = repository.find_person(session, principal.user_id)
    if user is None:
        raise NotFound("This account is gone.")
    try:
        passwords.prove(session, user, current=erase_with)
        erasing.erase_myself(session, principal)
    except (Invalid, TooMany, Conflict) as error:
        problems = {"erase_with": error.message}
        return _account(request, session, principal, problems=problems, status=error.status)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response
