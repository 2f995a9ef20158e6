"""The SQL of saved views of the page of logs."""

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.logs.models import LogView


def list_views(session: Session, workspace_id: str, user_id: str) -> list[LogView]:
    """Those of the workspace and the person's own, by name."""
    query = select(LogView).where(LogView.workspace_id == workspace_id, _seen_by(user_id))
    return list(session.scalars(query.order_by(func.lower(LogView.name), LogView.id)))


def find_view(session: Session, workspace_id: str, user_id: str, view_id: str) -> LogView | None:
    query = select(LogView).where(
        LogView.id == view_id, LogView.workspace_id == workspace_id, _seen_by(user_id)
    )
    return session.scalar(query)


def _seen_by(user_id: str) -> ColumnElement[bool]:
    return or_(LogView.owner_id.is_(None), LogView.owner_id == user_id)


def count_views(session: Session, workspace_id: str, owner_id: str | None) -> int:
    """How many somebody has, or the workspace."""
    query = select(func.count()).select_from(LogView).where(LogView.workspace_id == workspace_id)
    return session.scalar(query.where(LogView.owner_id.is_not_distinct_from(owner_id))) or 0


def is_taken(session: Session, view: LogView) -> bool:
    """Whether another one of the same people has the name."""
    query = select(LogView.id).where(
        LogView.workspace_id == view.workspace_id,
        LogView.owner_id.is_not_distinct_from(view.owner_id),
        LogView.name == view.name,
        LogView.id != view.id,
    )
    return session.scalar(query.limit(1)) is not None
