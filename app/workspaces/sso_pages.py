"""Signing in at the single sign-on provider: the way there, and the way back."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.accounts import service, single_sign_on
from app.accounts.single_sign_on import Refusal, SignInRefused
from app.core import templating
from app.core.clients import current_address
from app.core.database import SessionDep
from app.core.errors import TooMany
from app.core.permissions import Public
from app.core.settings import get_settings
from app.workspaces import invitations, members, sign_ins
from app.workspaces.signin_pages import inside, signed_in

router = APIRouter(prefix="/signin/oidc", include_in_schema=False)
_COOKIE = "whetstone_sign_in"
_PATH = "/signin/oidc"
_LASTS_S = 600


@router.get("", dependencies=[Public])
def begin(
    request: Request,
    session: SessionDep,
    next: str = "/",  # noqa: A002 - the name in the address
) -> Response:
    """Send the browser to the provider; a cookie ties the way back to this browser."""
    settings = get_settings()
    if not settings.single_sign_on:
        return RedirectResponse("/signin", 303)
    try:
        url, state = single_sign_on.begin(session, inside(next), current_address() or "unknown")
    except SignInRefused as error:
        return _refused(error.refusal)
    except TooMany as error:
        return templating.render(
            request,
            "accounts/signin.html",
            status=error.status,
            headers={"retry-after": str(error.retry_after_s)},
            problem=error.message,
            email="",
            next=inside(next),
        )
    response = RedirectResponse(url, 303)
    response.set_cookie(
        _COOKIE,
        state,
        max_age=_LASTS_S,
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
        path=_PATH,
    )
    return response


@router.get("/callback", dependencies=[Public])
def callback(
    request: Request, session: SessionDep, state: str = "", code: str = "", error: str = "", iss: str = ""
) -> Response:
    """Start a session for whom the provider vouches for, or say on the sign-in page why not."""
    if not get_settings().single_sign_on or error:
        return _refused(Refusal.REFUSED)
    kept = request.cookies.get(_COOKIE, "")
    try:
        user, target = single_sign_on.finish(
            session,
            state=state,
            kept_state=kept,
            code=code,
            issuer=iss,
            address=current_address() or "unknown",
            newcomer=invitations.welcome,
            taken_over=members.close_for_owner,
        )
    except SignInRefused as refused:
        sign_ins.note_refusal(session, refused.email, "sso")
        return _refused(refused.refusal)
    response = signed_in(request, session, service.start_session(session, user, "sso"), target)
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def _refused(refusal: Refusal) -> Response:
    response = RedirectResponse(f"/signin?problem={refusal.value}", 303)
    response.delete_cookie(_COOKIE, path=_PATH)
    return response
