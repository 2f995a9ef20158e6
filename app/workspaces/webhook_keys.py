"""The key that signs what is sent to services of a workspace: derived, so that nothing secret is stored."""

import base64
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import security
from app.core.access import Principal
from app.workspaces import audit, repository


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
    return WebhookKey(workspace_id, repository.webhook_key_number(session, workspace_id))


def renew_webhook_key(session: Session, principal: Principal) -> WebhookKey:
    """Make another key: from now on it signs, and what services check with the old one fails."""
    repository.next_webhook_key(session, principal.workspace_id)
    audit.record(session, principal, "webhook_key.renewed", "workspace", principal.workspace_id)
    return webhook_key(session, principal.workspace_id)
