"""The SQL of providers."""

from datetime import datetime

from sqlalchemy import select, update
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


def keep_test(
    session: Session, provider_id: str, *, at: datetime, ms: int, error: str | None, models: list[str] | None
) -> bool:
    """Note what came of a test, and the models if it listed any; False where the provider is gone."""
    values = {"tested_at": at, "test_ms": ms, "test_error": error, "updated_at": Provider.updated_at}
    query = update(Provider).where(Provider.id == provider_id).returning(Provider.id)
    changed = values if models is None else values | {"models": models}
    return session.scalar(query.values(changed).execution_options(populate_existing=True)) is not None
