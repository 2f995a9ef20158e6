"""Tables of datapoints and of which dataset version holds which."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Json
from app.files.models import File
from app.workspaces.models import Workspace


class Datapoint(Base):
    """One case: inputs, target and what belongs to them. Stored once per content and workspace."""

    __tablename__ = "datapoint"
    __table_args__ = (UniqueConstraint("workspace_id", "content_hash"),)

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
