"""Tables of monitoring: which evaluators judge a file's logs, and which logs are still to be judged."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.files.models import Environment, File, kept_version
from app.logs.models import Log
from app.workspaces.models import Workspace


class Monitor(Base):
    """An evaluator of a file's logs: one version of it, or whichever runs in an environment."""

    __tablename__ = "monitor"
    __table_args__ = (
        CheckConstraint(
            "(evaluator_version_id is null) = (evaluator_id is not null)"
            " and (evaluator_id is null) = (environment_id is null)",
            "one_reference",
        ),
        CheckConstraint("sampling between 0 and 1", "sampling"),
        Index(
            "uq_monitor_version",
            "file_id",
            "evaluator_version_id",
            unique=True,
            postgresql_where=text("evaluator_version_id is not null"),
        ),
        Index(
            "uq_monitor_environment",
            "file_id",
            "evaluator_id",
            "environment_id",
            unique=True,
            postgresql_where=text("evaluator_id is not null"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    """Whose logs are judged."""
    evaluator_version_id: Mapped[str | None] = mapped_column(kept_version(), index=True)
    evaluator_id: Mapped[str | None] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), index=True)
    environment_id: Mapped[str | None] = mapped_column(
        ForeignKey(Environment.id, ondelete="CASCADE"), index=True
    )
    active: Mapped[bool] = mapped_column(server_default="true")
    sampling: Mapped[float] = mapped_column(server_default="1")
    """The share of logs that it judges. Which ones does not change when a log does."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LogToJudge(Base):
    """A log that the monitors of its file have not judged yet, or not since it was changed."""

    __tablename__ = "log_to_judge"
    __table_args__ = (Index(None, "claimed_until", "queued_at"),)

    log_id: Mapped[str] = mapped_column(ForeignKey(Log.id, ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revision: Mapped[int] = mapped_column(server_default="1")
    """Counts the changes: what was found of an earlier one is dropped."""
    owner: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    """A worker is at it until then, unless it says that it needs longer."""
    attempts: Mapped[int] = mapped_column(server_default="0")
