"""The table of what tools are given beside their content."""

from datetime import datetime

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.files.models import File
from app.workspaces.models import Workspace


class ToolVariable(Base):
    """A secret of a tool, sealed. It belongs to the file: all of its versions may name it, and none of them holds it."""

    __tablename__ = "tool_variable"

    file_id: Mapped[str] = mapped_column(ForeignKey(File.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), index=True)
    sealed_value: Mapped[bytes]
    origin: Mapped[str | None]
    """Scheme, host and port that it may be sent to: those of the version that answered when it was set. None: nowhere."""
    set_at: Mapped[datetime] = mapped_column(server_default=func.now())
