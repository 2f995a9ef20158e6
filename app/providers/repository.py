"""The SQL of providers."""

from datetime import datetime

from sqlalchemy import select, text, update
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


def lock_provider(session: Session, provider_id: str) -> Provider | None:
    """The provider as it is now, kept from everybody else until the end of the transaction; None where it is gone."""
    query = select(Provider).where(Provider.id == provider_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def lock_all(session: Session) -> None:
    """Let nobody else read or write providers until the end of the transaction."""
    session.execute(text("lock table provider in access exclusive mode"))


def list_sealed(session: Session) -> list[Provider]:
    """The providers of all workspaces that have a key."""
    return list(session.scalars(select(Provider).where(Provider.sealed_key.is_not(None))))


def reseal(session: Session, provider_id: str, sealed_key: bytes) -> None:
    """Put the same key, sealed anew, in its place. The provider has not changed."""
    query = update(Provider).where(Provider.id == provider_id)
    session.execute(query.values(sealed_key=sealed_key, updated_at=Provider.updated_at))


def keep_test(
    session: Session, provider_id: str, *, at: datetime, ms: int, error: str | None, models: list[str] | None
) -> bool:
    """Note what came of a test, and the models if it listed any; False where the provider is gone."""
    values = {"tested_at": at, "test_ms": ms, "test_error": error, "updated_at": Provider.updated_at}
    query = update(Provider).where(Provider.id == provider_id).returning(Provider.id)
    changed = values if models is None else values | {"models": models}
    return session.scalar(query.values(changed).execution_options(populate_existing=True)) is not None
