"""Tables of the editor: drafts, what they said before, and the rows that are pinned beside a prompt; and of rows that prompts
write."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, Json
from app.datasets.models import Datapoint
from app.files.models import File, Version
from app.logs.models import Usd


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


class PromptPanes(Base):
    """What one person runs beside a prompt, whether or not they have a draft of it."""

    __tablename__ = "prompt_panes"
    __table_args__ = (_of_a_person(), Index(None, "file_id"))

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), primary_key=True)
    beside: Mapped[bool]
    """Whether the version that the draft stands on is among it."""
    panes: Mapped[list[Any]]
    """The others, as the form has them (`draft.Pane`)."""


class PinnedRow(Base):
    """A row that everybody who edits a prompt runs beside it: a smoke test, no evidence."""

    __tablename__ = "pinned_row"
    __table_args__ = (Index(None, "datapoint_id"), Index(None, "dataset_id"))

    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), primary_key=True)
    datapoint_id: Mapped[str] = mapped_column(ForeignKey(Datapoint.id, ondelete="CASCADE"), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    """Where it was pinned from."""
    pinned_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class RowGeneration(Base):
    """Rows that a prompt is to write into somebody's draft of a dataset, in a number of calls."""

    __tablename__ = "row_generation"
    __table_args__ = (
        _of_a_person(),
        CheckConstraint("status in ('running', 'stopped', 'done')", "status"),
        Index(None, "file_id", "created_at"),
        Index(None, "version_id"),
        Index(None, "created_at", postgresql_where=text("status = 'running'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    user_id: Mapped[str]
    """Whose draft the rows go into."""
    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"))
    """The dataset."""
    version_id: Mapped[str | None] = mapped_column(ForeignKey(Version.id, ondelete="SET NULL"))
    """The version of the prompt that writes; None where it was deleted since."""
    asked_by: Mapped[str]
    """The prompt and its version as people call them: “support/make_rows v3”. The marks of the rows say it."""
    status: Mapped[str] = mapped_column(server_default="running")
    rows_wanted: Mapped[int]
    columns: Mapped[list[Any]]
    """What each row says: `inputs.question`, `target.intent`."""
    inputs: Mapped[Json]
    """What fills in the template, beside what each call is told."""
    examples: Mapped[int]
    """How many training rows each call is shown."""
    split: Mapped[str | None]
    max_cost_usd: Mapped[Decimal | None] = mapped_column(Usd)
    spent_usd: Mapped[Decimal] = mapped_column(Usd, server_default="0")
    calls_count: Mapped[int] = mapped_column(server_default="0")
    """Calls of the model, those that were sent again included."""
    reason: Mapped[str | None]
    """Why it ended before all calls were made."""
    owner: Mapped[str | None]
    claimed_until: Mapped[datetime | None]
    """A worker is at it until then, unless it says that it needs longer."""
    losses: Mapped[int] = mapped_column(server_default="0")
    """How often a worker was lost while it was at it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]

    version: Mapped[Version | None] = relationship(lazy="raise")


class RowGenerationCall(Base):
    """One call of such a prompt, and what came of it."""

    __tablename__ = "row_generation_call"

    generation_id: Mapped[str] = mapped_column(
        ForeignKey(RowGeneration.id, ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    rows_asked: Mapped[int]
    rows_added: Mapped[int] = mapped_column(server_default="0")
    """Rows that came into the draft."""
    left_out: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    """Rows of the reply that did not, each with its `content` and `why`."""
    problem: Mapped[str | None]
    """Why the call brought no rows, or not all that it was asked for."""
    log_id: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    """None: it is still to be made."""
