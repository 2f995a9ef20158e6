"""Tables of datapoints, of which dataset version holds which, and of what somebody changes in a dataset's draft."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Json
from app.files.models import File
from app.workspaces.models import Workspace


class Datapoint(Base):
    """One case: inputs, target and what belongs to them. Stored once per content and workspace."""

    __tablename__ = "datapoint"
    __table_args__ = (
        UniqueConstraint("workspace_id", "content_hash"),
        Index(
            "ix_datapoint_synthetic",
            "id",
            postgresql_where=text("coalesce(metadata->'synthetic', 'null') not in ('null', 'false')"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Derived from workspace and content, so that inserting it twice is the same row; imported ids are kept."""
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    content_hash: Mapped[str]
    inputs: Mapped[Json]
    messages: Mapped[list[Any] | None]
    target: Mapped[Json | None]
    context: Mapped[list[Any] | None]
    """Passages that hold what is needed to answer: evidence, never the answer itself."""
    cluster: Mapped[str | None]
    """Rows that share a document or conversation carry the same key: intervals take it into account."""
    details: Mapped[Json | None] = mapped_column("metadata")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DatasetRow(Base):
    """A datapoint's membership in a dataset, from one version's number up to another's (not included).

    Versions so share the rows that did not change: twenty versions of 100,000 rows cost about as much as one.
    """

    __tablename__ = "dataset_row"
    __table_args__ = (
        Index(None, "file_id", "position"),
        Index(None, "datapoint_id"),
    )

    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), primary_key=True)
    datapoint_id: Mapped[str] = mapped_column(ForeignKey(Datapoint.id, ondelete="CASCADE"), primary_key=True)
    from_number: Mapped[int] = mapped_column(primary_key=True)
    until_number: Mapped[int | None]
    """The first version that no longer has the row; None while the newest has it."""
    position: Mapped[int]
    """Order within the dataset; gaps are left where rows went."""
    split: Mapped[str | None]
    """`train`, `validation`, `test` or `sealed`; None is part of no split."""


class DatasetDraft(Base):
    """What one person changes in a dataset and has not committed: its rows of `base_number`, but for the changes."""

    __tablename__ = "dataset_draft"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        Index(
            None,
            "workspace_id",
            "user_id",
            "file_id",
            unique=True,
            postgresql_where=text("discarded_at is null"),
        ),
        Index(None, "file_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    user_id: Mapped[str]
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    base_number: Mapped[int]
    """The version whose rows it changes; 0 where there was none."""
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())
    discarded_at: Mapped[datetime | None]
    """Set when it was thrown away: it can be brought back until another one is."""


class DraftChange(Base):
    """One row that a draft adds, edits, moves to another split or removes. Rows that it leaves alone are not here."""

    __tablename__ = "dataset_draft_change"

    draft_id: Mapped[str] = mapped_column(ForeignKey(DatasetDraft.id, ondelete="CASCADE"), primary_key=True)
    row_id: Mapped[str] = mapped_column(primary_key=True)
    """The datapoint that the base has; of an added row, a name of its own."""
    added: Mapped[int | None]
    """The order among added rows; None for a row of the base."""
    content: Mapped[Json | None]
    """The whole row as it is now; None where it says what the base says."""
    content_hash: Mapped[str | None]
    """Of the datapoint that the content makes; None of a row that was added and is still empty."""
    content_id: Mapped[str | None]
    """The id that a new datapoint of this content gets."""
    split: Mapped[str | None]
    removed: Mapped[bool] = mapped_column(server_default=text("false"))
    clash: Mapped[bool] = mapped_column(server_default=text("false"))
    """Somebody committed another change of this row meanwhile, and nobody has said which one is to stand."""
