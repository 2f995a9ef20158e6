"""Keeping other sites from making a signed-in browser act: a token in every form, and the browser's own word."""

from urllib.parse import urlsplit

from fastapi import Request

from app.core import security
from app.core.errors import Forbidden, StaleForm, Unauthenticated
from app.core.request_bodies import read_form
from app.core.settings import get_settings

SESSION_COOKIE = "whetstone_session"
GUEST_COOKIE = "whetstone_guest"
"""Of a guest reviewer: browsers send it to that guest's own pages, and nowhere else."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(request: Request) -> str:
    """The token that a page's forms carry: bound to the session cookie, so it needs no storage."""
    cookie = request.cookies.get(GUEST_COOKIE) or request.cookies.get(SESSION_COOKIE, "")
    return security.signature("csrf", cookie)


async def same_site(request: Request) -> None:
    """Refuse a state-changing request that another site could have made a browser send.

    The API is exempt: it takes its key from a header that no browser sends by itself, never from a cookie.

    Raises:
        Forbidden: the request comes from elsewhere, or lacks the page's token.
    """
    if request.method in _SAFE or request.url.path.startswith("/v5/"):
        return
    refuse_cross_site(request)
    sent = request.headers.get("x-csrf-token") or (await read_form(request)).get("_csrf")
    if not isinstance(sent, str) or not security.same(sent, csrf_token(request)):
        raise StaleForm("Reload the page and send the form again.")


async def same_site_of_session(request: Request) -> None:
    """The same for pages of people who are signed in. Who is not any more hears that first, and can sign in.

    Raises:
        Unauthenticated: a form of a page came without a session.
        Forbidden: as `same_site`.
    """
    is_page = not request.url.path.startswith("/v5/")
    if is_page and request.method not in _SAFE and SESSION_COOKIE not in request.cookies:
        refuse_cross_site(request)
        raise Unauthenticated("Sign in to go on.")
    await same_site(request)


def refuse_cross_site(request: Request) -> None:
    """Refuse what a browser itself says comes from another site (for forms that precede a session, too).

    Raises:
        Forbidden: `Sec-Fetch-Site` or `Origin` names another site.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    # A proxy that hands on another Host than the browser sent is no other site: the address people use is a setting.
    ours = (request.headers.get("host"), urlsplit(get_settings().public_url).netloc)
    foreign = origin is not None and origin.split("://", 1)[-1] not in ours
    if site not in ("same-origin", "none") or foreign:
        msg = "This request came from another site."
        raise Forbidden(msg)
