"""The routes of API keys."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from app.core.access import Role
from app.core.bodies import Body
from app.core.clock import LAST_MOMENT
from app.core.database import SessionDep
from app.core.permissions import KeyHolder, Manager
from app.workspaces import service
from app.workspaces.models import ApiKey
from app.workspaces.webhook_keys import renew_webhook_key, webhook_key

router = APIRouter(prefix="/v5/keys", tags=["Keys"])
Json = dict[str, Any]


class KeyCreate(Body):
    """A new key."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "nightly evaluation", "role": "member"}

    name: str = Field(max_length=200, description="What uses it.")
    role: Role = Field(default=Role.MEMBER, description="Never more than its maker's.")
    expires_at: Annotated[AwareDatetime, Field(lt=LAST_MOMENT)] | None = None


@router.get("")
def list_keys(session: SessionDep, principal: KeyHolder) -> list[Json]:
    """The keys that you may see: an admin all of them, others their own."""
    return [_present(key) for key in service.list_keys(session, principal)]


@router.post("", status_code=201)
def create_key(body: KeyCreate, session: SessionDep, principal: KeyHolder) -> Json:
    """Make a key. `key` is shown this once."""
    key, secret = service.create_key(
        session, principal, name=body.name, role=body.role, expires_at=body.expires_at
    )
    return _present(key, principal.name) | {"key": secret}


@router.delete("/{key_id}", status_code=204)
def revoke_key(key_id: str, session: SessionDep, principal: KeyHolder) -> Response:
    """Stop a key from working, at once."""
    service.revoke_key(session, principal, key_id)
    return Response(status_code=204)


def _present(key: ApiKey, maker: str | None = None) -> Json:
    def iso(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "hint": key.hint,
        "created_by": maker or key.maker.full_name,
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at),
        "last_used_at": iso(key.last_used_at),
    }


webhooks_router = APIRouter(prefix="/v5/webhook-key", tags=["Keys"])


@webhooks_router.get("")
def get_webhook_key(session: SessionDep, principal: Manager) -> Json:
    """The key that signs what is sent to services of yours, as libraries for Standard Webhooks take it."""
    return {"key": webhook_key(session, principal.workspace_id).shown()}


@webhooks_router.post("/renew", name="renew_webhook_key")
def renew_key(session: SessionDep, principal: Manager) -> Json:
    """Make another key, which signs from now on."""
    return {"key": renew_webhook_key(session, principal).shown()}
