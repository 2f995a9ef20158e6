"""Tables of comments, and of the people whom they mention."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.datasets.models import Datapoint
from app.files.models import Version
from app.logs.models import Log
from app.workspaces.models import Workspace


class Subject(StrEnum):
    """What can be commented on."""

    VERSION = "version"
    """Of a file of any kind."""
    ROW = "row"
    """Of a dataset: wherever the row is, in any version or evaluation, its comments are."""
    LOG = "log"


@dataclass(frozen=True, slots=True)
class About:
    """What a comment is about: one thing of a workspace."""

    subject: Subject
    id: str


class Comment(Base):
    """What somebody says about a version, a row or a log. It goes with what it is about."""

    __tablename__ = "comment"
    __table_args__ = (
        CheckConstraint("num_nonnulls(version_id, datapoint_id, log_id) = 1", "one_subject"),
        *(
            Index(None, column, "created_at", "id", postgresql_where=text(f"{column} is not null"))
            for column in ("version_id", "datapoint_id", "log_id")
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    version_id: Mapped[str | None] = mapped_column(ForeignKey(Version.id, ondelete="CASCADE"))
    datapoint_id: Mapped[str | None] = mapped_column(ForeignKey(Datapoint.id, ondelete="CASCADE"))
    log_id: Mapped[str | None] = mapped_column(ForeignKey(Log.id, ondelete="CASCADE"))
    body: Mapped[str]
    """As it was written, but for who is mentioned: `@[id]` stands there, so that no name is kept in it."""
    author_id: Mapped[str]
    author_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    edited_at: Mapped[datetime | None]

    @property
    def about(self) -> About:
        """What it is about."""
        if self.version_id:
            return About(Subject.VERSION, self.version_id)
        if self.datapoint_id:
            return About(Subject.ROW, self.datapoint_id)
        return About(Subject.LOG, self.log_id or "")


class Mention(Base):
    """That a comment names somebody."""

    __tablename__ = "mention"
    __table_args__ = (
        Index(None, "workspace_id", "user_id", "created_at", "comment_id"),
        Index("ix_mention_unread", "workspace_id", "user_id", postgresql_where=text("read_at is null")),
    )

    comment_id: Mapped[str] = mapped_column(ForeignKey(Comment.id, ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    """No foreign key: that somebody was named stays when their account is erased, as “Deleted person”."""
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]
    """When they were shown the comment, or said that they have read it."""
