"""The SQL of providers."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.providers.models import Provider


def list_providers(session: Session, workspace_id: str) -> list[Provider]:
    """A workspace's providers, oldest first."""
    query = select(Provider).where(Provider.workspace_id == workspace_id)
    return list(session.scalars(query.order_by(Provider.created_at, Provider.id)))


def find_provider(session: Session, workspace_id: str, key: str) -> Provider | None:
    """A provider by its id or its name."""
    query = select(Provider).where(Provider.workspace_id == workspace_id)
    return session.scalar(query.where((Provider.id == key) | (Provider.name == key)))


def list_sealed(session: Session) -> list[Provider]:
    """The providers of all workspaces that have a key."""
    return list(session.scalars(select(Provider).where(Provider.sealed_key.is_not(None))))
