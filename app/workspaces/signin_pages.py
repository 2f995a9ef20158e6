"""Signing in and out: by password, by one-time link."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.accounts import known_browsers, service
from app.accounts.single_sign_on import Refusal
from app.core import templating
from app.core.clients import current_address
from app.core.csrf import SESSION_COOKIE, refuse_cross_site, same_site
from app.core.database import SessionDep
from app.core.errors import TooMany, Unauthenticated
from app.core.permissions import Public
from app.core.settings import get_settings
from app.workspaces import sign_ins

router = APIRouter(include_in_schema=False)
_SECONDS_A_DAY = 86_400


@router.get("/signin", name="accounts:signin", dependencies=[Public])
def signin_page(
    request: Request,
    next: str = "/",  # noqa: A002 - the name in the address
    problem: str = "",
) -> Response:
    """The sign-in form; `problem` names what went wrong at the single sign-on provider."""
    said = Refusal(problem).message if problem in set(Refusal) else None
    return templating.render(
        request, "accounts/signin.html", problem=None, notice=said, email="", next=inside(next)
    )


@router.post("/signin", dependencies=[Public])
def sign_in(
    request: Request,
    session: SessionDep,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - the name in the form
) -> Response:
    """Start a session, or say that it was not right, whatever was wrong."""
    refuse_cross_site(request)
    try:
        browser = known_browsers.recognise(request.cookies.get(known_browsers.COOKIE, ""), email)
        token = service.sign_in(session, email, password, current_address() or "unknown", browser)
    except (Unauthenticated, TooMany) as error:
        if isinstance(error, Unauthenticated):
            sign_ins.note_refusal(session, email, "password")
        wait = {"retry-after": str(error.retry_after_s)} if isinstance(error, TooMany) else None
        return templating.render(
            request,
            "accounts/signin.html",
            status=error.status,
            headers=wait,
            problem=error.message,
            email=email,
            next=inside(next),
        )
    return signed_in(request, session, token, inside(next))


@router.get("/signin/link/{token}", dependencies=[Public])
def link_page(request: Request, session: SessionDep, token: str) -> Response:
    """A page with one button: programs that follow links to look at them must not use the link up."""
    usable = service.link_is_usable(session, token)
    return templating.render(
        request, "accounts/link.html", status=200 if usable else 404, usable=usable, token=token
    )


@router.post("/signin/link/{token}", dependencies=[Public])
def sign_in_by_link(request: Request, session: SessionDep, token: str) -> Response:
    """Start a session; the link is used up."""
    refuse_cross_site(request)
    fresh, _ = service.sign_in_by_link(session, token)
    return signed_in(request, session, fresh, "/")


@router.post("/signout", name="accounts:signout", dependencies=[Public, Depends(same_site)])
def sign_out(request: Request, session: SessionDep) -> Response:
    """End this session, also that of somebody who belongs to no workspace any more."""
    user = service.sign_out(session, request.cookies.get(SESSION_COOKIE, ""))
    if user:
        sign_ins.note_end(session, user)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def signed_in(request: Request, session: SessionDep, token: str, target: str) -> Response:
    """The answer that carries a new session, which the audit log keeps; the one before, if any, ends.

    From now on the browser is known to the account.
    """
    user = service.session_user(session, token)
    before = service.sign_out(session, request.cookies.get(SESSION_COOKIE, ""))
    if before and before is not user:
        sign_ins.note_end(session, before)
    settings = get_settings()
    response = RedirectResponse(target, 303)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=settings.session_days * _SECONDS_A_DAY,
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
        path="/",
    )
    if user:
        sign_ins.note_start(session, user)
        response.set_cookie(
            known_browsers.COOKIE,
            known_browsers.mark(user.email),
            max_age=known_browsers.LASTS_S,
            httponly=True,
            samesite="lax",
            secure=settings.secure_cookies,
            path="/signin",
        )
    return response


def inside(target: str) -> str:
    """`target` if it is an address on this server, else the start page: a link must not lead elsewhere."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"
