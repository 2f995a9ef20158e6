"""The key that signs what is sent to services of a workspace: derived, so that nothing secret is stored."""

import base64
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import security
from app.core.access import Principal
from app.workspaces import audit
from app.workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """The signing key of a workspace. It changes with the number, and with the server's own secret."""

    workspace_id: str
    number: int

    def secret(self) -> bytes:
        """The 32 bytes that sign."""
        return security.derived_key(f"webhook {self.workspace_id} {self.number}")

    def shown(self) -> str:
        """The key as libraries for Standard Webhooks take it."""
        return f"whsec_{base64.b64encode(self.secret()).decode()}"


def webhook_key(session: Session, workspace_id: str) -> WebhookKey:
    """The key of a workspace."""
    number = session.scalars(select(Workspace.webhook_key).where(Workspace.id == workspace_id)).one()
    return WebhookKey(workspace_id, number)


def renew_webhook_key(session: Session, principal: Principal) -> WebhookKey:
    """Make another key: from now on it signs, and what services check with the old one fails."""
    session.execute(
        update(Workspace)
        .where(Workspace.id == principal.workspace_id)
        .values(webhook_key=Workspace.webhook_key + 1)
    )
    audit.record(session, principal, "webhook_key.renewed", "workspace", principal.workspace_id)
    return webhook_key(session, principal.workspace_id)
