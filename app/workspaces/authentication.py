"""Finds out who is calling: a session cookie on pages, an API key on the API, either to read about the API."""

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.accounts import service as accounts
from app.accounts import throttle
from app.accounts.models import User
from app.core import clients, security
from app.core.access import Principal, Role
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.core.errors import NotFound, Unauthenticated
from app.core.http import is_api
from app.core.permissions import api_key_of
from app.workspaces import repository
from app.workspaces.service import holders_of, principal_of

_ABOUT_API = ("/docs", "/openapi.json")
"""What tells of the API: for people who are signed in, and for programs with a key."""


def authenticate(request: Request, session: Session) -> Principal:
    """The caller of `request`, in the workspace that it is about.

    Raises:
        Unauthenticated: no valid session or key.
        NotFound: the caller does not belong to the workspace in the path.
    """
    principal = _find_caller(request, session)
    session.commit()  # or the connection would be held while the request waits for a thread, which may wait for it
    return principal


def _find_caller(request: Request, session: Session) -> Principal:
    key = api_key_of(request)
    about_api = request.url.path.startswith(_ABOUT_API)
    if key if about_api else is_api(request):
        return _by_key(session, key)
    user = signed_in_user(request, session)
    slug = request.path_params.get("w")
    memberships = repository.list_memberships(session, user.id)
    if not memberships:
        raise NotFound("You belong to no workspace any more. Ask an admin to invite you again, or sign out.")
    membership = next((m for m in memberships if slug in (None, m.workspace.slug)), None)
    if membership is None:
        raise NotFound("There is no such workspace, or you are not a member of it.")
    return principal_of(membership.workspace, user, Role(membership.role))


def is_known(request: Request) -> bool:
    """Whether the session or key of `request` holds, wherever: asked before a large body of it is read.

    Where the database cannot say, the request goes on, to the answer that everybody gets then.
    """
    try:
        with unit_of_work() as session:
            if is_api(request):
                secret = api_key_of(request)
                return bool(secret and repository.find_live_keys(session, [security.token_hash(secret)]))
            token = request.cookies.get(SESSION_COOKIE)
            return token is not None and accounts.session_user(session, token) is not None
    except SQLAlchemyError:
        return True


def signed_in_user(request: Request, session: Session) -> User:
    """The person behind the session cookie.

    Raises:
        Unauthenticated: there is no session.
    """
    token = request.cookies.get(SESSION_COOKIE)
    user = accounts.session_user(session, token) if token else None
    if user is None:
        asks = (
            "Sign in, or send an API key in the header X-API-KEY." if is_api(request) else "Sign in to go on."
        )
        raise Unauthenticated(asks)
    return user


def _by_key(session: Session, secret: str) -> Principal:
    """The holder of a key. Only wrong keys are throttled: 256 random bits cannot be guessed, and a forgotten script
    with an old key must not shut out everybody behind the same address."""
    if not secret:
        raise Unauthenticated("Send your API key in the header X-API-KEY.")
    found = holders_of(session, [secret]).get(secret)
    if found is None:
        throttle.spend_try(session, throttle.key_guess(clients.current_address() or "unknown"))
        session.commit()  # the guess is counted, whatever becomes of this request
        raise Unauthenticated("This API key is not valid: it is unknown, revoked or expired.")
    return found
