"""The table of a workspace's model providers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base, Json
from app.workspaces.models import Workspace


class Provider(Base):
    """An OpenAI-compatible endpoint, with its key sealed, and how hard it may be called."""

    __tablename__ = "provider"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint("kind in ('openai', 'practice')", "kind"),
        CheckConstraint("deadline_s between 1 and 600", "deadline_s"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    name: Mapped[str]
    """What prompts name it by, for example `openai`."""
    kind: Mapped[str]
    """`openai`: any OpenAI-compatible endpoint; `practice`: ours, whose address and key come from the server."""
    preset: Mapped[str | None]
    """Which provider of `presets` it is, as chosen from the list; None where only an address was given."""
    base_url: Mapped[str | None]
    sealed_key: Mapped[bytes | None]
    key_hint: Mapped[str | None]
    """The last characters of the key, enough to recognise it by."""
    models: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """As last listed by the provider; shown as suggestions only."""
    tested_at: Mapped[datetime | None]
    """When it was last tested as it is set now; another address or key has yet to be."""
    test_ms: Mapped[int | None]
    """How long the test took."""
    test_error: Mapped[str | None]
    """What was wrong then, in our words and the provider's; None where it answered."""
    prices: Mapped[Json] = mapped_column(server_default="{}")
    """Own prices by model, `{"input": "0.15", "output": "0.60"}` in dollars per million tokens, as text: exact."""
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]
    concurrency: Mapped[int | None]
    deadline_s: Mapped[int | None]
    """How long a call may take in all; None is the usual (`client.CALL_DEADLINE_S`)."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
