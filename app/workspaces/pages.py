"""The settings page of API keys."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.core import clock, templating
from app.core.access import Action, Principal, Role
from app.core.clock import LAST_MOMENT
from app.core.database import SessionDep
from app.core.errors import DomainError, Invalid
from app.core.permissions import KeyHolder, Manager, Reader
from app.core.settings import get_settings
from app.workspaces import service
from app.workspaces.webhook_keys import renew_webhook_key, webhook_key

router = APIRouter(prefix="/w/{w}/settings", include_in_schema=False)


@router.get("/keys", name="workspaces:keys")
def keys_page(request: Request, session: SessionDep, principal: Reader) -> Response:
    """Which keys there are; those without the right to make any see who has it."""
    return _keys(request, session, principal)


def _keys(
    request: Request,
    session: SessionDep,
    principal: Principal,
    *,
    secret: str | None = None,
    problem: str | None = None,
    name: str = "",
    status: int = 200,
) -> Response:
    keys = service.list_keys(session, principal) if principal.may(Action.OWN_KEYS) else []
    roles = [role for role in Role if role is not Role.GUEST and _rank(role) >= _rank(principal.role)]
    return templating.render(
        request,
        "workspaces/keys.html",
        status=status,
        keys=keys,
        now=clock.now(),
        secret=secret,
        problem=problem,
        name=name,
        roles=roles,
        public_url=get_settings().public_url,
        webhook_key=webhook_key(session, principal.workspace_id) if principal.may(Action.MANAGE) else None,
    )


def _rank(role: Role) -> int:
    return list(Role).index(role)


@router.post("/keys")
def create_key(
    request: Request,
    session: SessionDep,
    principal: KeyHolder,
    name: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.MEMBER,
    expires: Annotated[str, Form()] = "",
) -> Response:
    """Make a key and show it, this once."""
    try:
        with session.begin_nested():
            _, secret = service.create_key(
                session, principal, name=name, role=role, expires_at=_end_of(expires)
            )
    except DomainError as error:
        return _keys(request, session, principal, problem=error.message, name=name, status=422)
    return _keys(request, session, principal, secret=secret)


@router.post("/keys/webhooks")
def renew_webhooks(session: SessionDep, principal: Manager) -> Response:
    """Make another key for signing, and show it."""
    renew_webhook_key(session, principal)
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/keys#webhooks", 303)


def _end_of(day: str) -> datetime | None:
    """The end of a day given as 2027-01-31; None for an empty field."""
    if not day:
        return None
    try:
        end = datetime.combine(datetime.fromisoformat(day).date(), time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise Invalid("The expiry is a date, such as 2027-01-31.") from error
    if end >= LAST_MOMENT:
        raise Invalid("The expiry is too far away: leave it empty for a key that does not expire.")
    return end


@router.post("/keys/{key_id}/revoke")
def revoke_key(session: SessionDep, principal: KeyHolder, key_id: str) -> Response:
    """Stop a key from working."""
    service.revoke_key(session, principal, key_id)
    return RedirectResponse(f"/w/{principal.workspace_slug}/settings/keys", 303)
