"""Tables of review queues: which outputs people are asked about, by which evaluators, and who is asked about which.

What they answer stands among all other judgments (`logs.models.Judgment`), and nowhere else.
"""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Json
from app.evaluations.models import Evaluation
from app.files.models import Version, kept_version
from app.logs.models import Log
from app.workspaces.models import Workspace

Rows = Literal["all", "changed", "worse", "random", "uncertain"]
"""Which rows of an evaluation are asked about."""
ROWS: tuple[Rows, ...] = get_args(Rows)
LogRows = Literal["chosen", "newest", "random"]
"""Which logs are: those that were named, or the newest or any of those that match a filter."""
LOG_ROWS: tuple[LogRows, ...] = get_args(LogRows)
_EVERY = dict.fromkeys((*ROWS, *LOG_ROWS))


class ReviewQueue(Base):
    """Outputs that people are asked to judge."""

    __tablename__ = "review_queue"
    __table_args__ = (
        CheckConstraint(f"rows in ({', '.join(repr(one) for one in _EVERY)})", "rows"),
        CheckConstraint("per_item >= 0", "per_item"),
        Index(None, "workspace_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    evaluation_id: Mapped[str | None] = mapped_column(
        ForeignKey(Evaluation.id, ondelete="SET NULL"), index=True
    )
    """Where the outputs were chosen. The queue outlives it, as its logs do."""
    name: Mapped[str]
    rows: Mapped[str]
    """Which rows were asked for."""
    filters: Mapped[Json | None]
    """Of a queue of logs that were looked for: by what, in the names that the address of the logs page has."""
    sent: Mapped[int] = mapped_column(server_default="0")
    """How many outputs were sent: those of logs that were deleted since are no items any more."""
    candidate: Mapped[str | None]
    """Where outputs of two versions are shown side by side: what the newer one was called, and the one that it is compared with."""
    baseline: Mapped[str | None]
    equal_count: Mapped[int] = mapped_column(server_default="0")
    """Rows on which both said the same, and nobody was asked."""
    per_item: Mapped[int]
    """How many people judge each output; 0 until guests are asked, where nobody else is."""
    blind: Mapped[bool]
    """Whether the version, its author and the judges are hidden from whoever has not answered yet."""
    shows_target: Mapped[bool]
    created_by: Mapped[str | None]
    created_by_name: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]
    """Since when nobody is asked any more."""

    @property
    def is_pair(self) -> bool:
        """Whether two outputs are shown side by side."""
        return self.baseline is not None


class ReviewEvaluator(Base):
    """A human evaluator of a queue: a question that is answered for each of its items."""

    __tablename__ = "review_evaluator"

    queue_id: Mapped[str] = mapped_column(ForeignKey(ReviewQueue.id, ondelete="CASCADE"), primary_key=True)
    evaluator_version_id: Mapped[str] = mapped_column(kept_version(), primary_key=True)
    position: Mapped[int]

    version: Mapped[Version] = relationship(lazy="raise")


class ReviewItem(Base):
    """An output of a queue, or two to compare. It goes with its logs."""

    __tablename__ = "review_item"
    __table_args__ = (UniqueConstraint("queue_id", "log_id"),)

    queue_id: Mapped[str] = mapped_column(ForeignKey(ReviewQueue.id, ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    log_id: Mapped[str] = mapped_column(ForeignKey(Log.id, ondelete="CASCADE"), index=True)
    other_log_id: Mapped[str | None] = mapped_column(ForeignKey(Log.id, ondelete="CASCADE"), index=True)
    """The output beside it, where two are compared: the older version's."""


class ReviewTask(Base):
    """That one person is asked about one item."""

    __tablename__ = "review_task"
    __table_args__ = (
        ForeignKeyConstraint(
            ["queue_id", "position"], [ReviewItem.queue_id, ReviewItem.position], ondelete="CASCADE"
        ),
        UniqueConstraint("queue_id", "user_id", "place"),
        Index(None, "workspace_id", "user_id", "answered_at"),
    )

    queue_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    """A member or a guest. No foreign key: what somebody answered stays in the figures when they are gone."""
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    place: Mapped[int]
    """Where the item comes in the person's own order, from 1: drawn once, another for everybody."""
    answered_at: Mapped[datetime | None]
    draft: Mapped[Json | None]
    """What stood in the form when the answer was taken back, by the form's own names."""


class ReviewGuest(Base):
    """Somebody without an account who answers one queue, by a link. One link is one guest, in however many browsers it is
    opened; only its hash is kept."""

    __tablename__ = "review_guest"
    __table_args__ = (UniqueConstraint("queue_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    queue_id: Mapped[str] = mapped_column(ForeignKey(ReviewQueue.id, ondelete="CASCADE"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    number: Mapped[int]
    """Among the queue's guests, from 1: what they are called while they have no name."""
    name: Mapped[str | None]
    """As whoever made the link says, or the guest on opening it."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str]
    """Who made the link that works now: it lasts no longer than their right to."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    """When the link was first followed."""

    queue: Mapped[ReviewQueue] = relationship(lazy="raise")
    workspace: Mapped[Workspace] = relationship(lazy="raise")

    @property
    def label(self) -> str:
        """What others call the guest: nobody is to take them for a member."""
        return f"{self.name} (guest)" if self.name else f"Guest {self.number}"


class ReviewGuestSession(Base):
    """A browser in which a guest's link was opened. It works as long as the link. The cookie holds a random token, this row only its hash."""

    __tablename__ = "review_guest_session"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    guest_id: Mapped[str] = mapped_column(ForeignKey(ReviewGuest.id, ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
