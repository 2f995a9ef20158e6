"""The table of what evaluators hold beside their settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.workspaces.models import Workspace


class EvaluatorDatabase(Base):
    """An SQLite file that evaluators compare queries on. Stored once per content and workspace: versions name its hash."""

    __tablename__ = "evaluator_database"

    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of the file, in hexadecimal digits."""
    name: Mapped[str]
    """What the file was called when it was first given."""
    size_bytes: Mapped[int]
    tables: Mapped[list[Any]]
    """Names of its tables and views."""
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was last given: what no version names is kept for a day."""
