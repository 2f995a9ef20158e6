"""Signing in at the single sign-on provider: the way there, and the way back."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.accounts import service, single_sign_on
from app.accounts.pages import inside, signed_in
from app.accounts.single_sign_on import Refusal, SignInRefused
from app.core.database import SessionDep
from app.core.permissions import Public
from app.core.settings import get_settings

router = APIRouter(prefix="/signin/oidc", include_in_schema=False)
_COOKIE = "whetstone_sign_in"
_PATH = "/signin/oidc"
_LASTS_S = 600


@router.get("", dependencies=[Public])
def begin(session: SessionDep, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """Send the browser to the provider; a cookie ties the way back to this browser."""
    settings = get_settings()
    if not settings.single_sign_on:
        return RedirectResponse("/signin", 303)
    try:
        url, state = single_sign_on.begin(session, inside(next))
    except SignInRefused as error:
        return _refused(error.refusal)
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
        user, target = single_sign_on.finish(session, state=state, kept_state=kept, code=code, issuer=iss)
    except SignInRefused as refused:
        return _refused(refused.refusal)
    response = signed_in(request, session, service.start_session(session, user, "sso"), target)
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def _refused(refusal: Refusal) -> Response:
    response = RedirectResponse(f"/signin?problem={refusal.value}", 303)
    response.delete_cookie(_COOKIE, path=_PATH)
    return response
