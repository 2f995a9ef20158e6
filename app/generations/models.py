"""Tables of the editor: drafts, what they said before, and the rows that are pinned beside a prompt."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Json
from app.datasets.models import Datapoint
from app.files.models import File


def _of_a_person() -> ForeignKeyConstraint:
    """Whose it is: it goes with the membership, and so with the person and the workspace."""
    return ForeignKeyConstraint(
        ["workspace_id", "user_id"], ["membership.workspace_id", "membership.user_id"], ondelete="CASCADE"
    )


class PromptDraft(Base):
    """What one person has typed, of one prompt, on one version of it."""

    __tablename__ = "prompt_draft"
    __table_args__ = (
        _of_a_person(),
        UniqueConstraint(
            "workspace_id", "user_id", "file_id", "base_number", postgresql_nulls_not_distinct=True
        ),
        Index(None, "file_id", "saved_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    user_id: Mapped[str]
    file_id: Mapped[str | None] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    """None: of a prompt that is not saved yet."""
    base_number: Mapped[int]
    """The version that it began on; 0 where there is none."""
    revision: Mapped[str]
    """Another one with each saving: whoever has seen an older one does not write over a newer one."""
    tab: Mapped[str]
    """Which page wrote it last; empty for the API."""
    content: Mapped[Json]
    """The form (`draft_content`)."""
    turn: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """How far that page had counted: what it sent before that, and comes late, is older."""
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())
    saved_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PromptDraftState(Base):
    """What a draft said before: kept beside it, so that nothing that was typed is lost."""

    __tablename__ = "prompt_draft_state"
    __table_args__ = (
        _of_a_person(),
        Index(None, "workspace_id", "user_id", "file_id", "at"),
        Index(None, "file_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    user_id: Mapped[str]
    file_id: Mapped[str | None] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    base_number: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the draft said it."""
    added_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """When it came into the history, which may be much later: by this it ages."""
    why: Mapped[str]
    """typed, discarded, replaced or elsewhere: what became of it."""
    tab: Mapped[str]
    content: Mapped[Json]
    size_bytes: Mapped[int]
    added: Mapped[int]
    """Lines that are new or changed since the state before it, or since the version that it began on."""
    removed: Mapped[int]


class PinnedRow(Base):
    """A row that everybody who edits a prompt runs beside it: a smoke test, no evidence."""

    __tablename__ = "pinned_row"
    __table_args__ = (Index(None, "datapoint_id"), Index(None, "dataset_id"))

    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), primary_key=True)
    datapoint_id: Mapped[str] = mapped_column(ForeignKey(Datapoint.id, ondelete="CASCADE"), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    """Where it was pinned from."""
    pinned_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
