"""What runs where, and that it is written down."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.workspaces.models import AuditEntry
from tests import factories


def test_every_deployment_is_audited(session: Session) -> None:
    team = factories.team(session)
    prompt = factories.prompt(session, team.admin, "a/prompt")
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "deployment.created").order_by(AuditEntry.id.desc())
    ).first()
    assert entry is not None
    assert entry.detail["path"] == "a/prompt"
    assert (entry.detail["version_id"], entry.detail["environment"]) == (prompt.id, "production")
    assert entry.detail["replaced"] is None
