"""What was sent as spans and could not be read as logs, with the key that it came with."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.logs.models import QuarantinedSpan
from app.workspaces.models import ApiKey

KEPT_BYTES = 64 * 1024
"""Of what was sent, the first."""
SHOWN_BYTES = 2_000
"""Of a body in a list: enough to tell which it is."""


class Quarantined(NamedTuple):
    """One that is listed."""

    id: str
    created_at: datetime
    problem: str
    key_id: str | None
    key_name: str | None
    """None where a key has been forgotten, or somebody signed in sent it."""
    size: int
    """Bytes that were kept, 65,536 at most."""
    beginning: bytes
    """The first of them."""

    @property
    def text(self) -> str:
        """Its beginning, whatever bytes there are."""
        return self.beginning.decode(errors="replace").replace("\x00", "�")

    @property
    def is_cut(self) -> bool:
        """Whether more was kept than is listed."""
        return self.size > len(self.beginning)


def list_quarantined(session: Session, workspace_id: str, limit: int, offset: int) -> Sequence[Quarantined]:
    """The newest first."""
    size = func.length(QuarantinedSpan.body)
    listed = (
        select(
            QuarantinedSpan.id,
            QuarantinedSpan.created_at,
            QuarantinedSpan.problem,
            QuarantinedSpan.key_id,
            ApiKey.name,
            size,
            func.substring(QuarantinedSpan.body, 1, SHOWN_BYTES),
        )
        .outerjoin(ApiKey, ApiKey.id == QuarantinedSpan.key_id)
        .where(QuarantinedSpan.workspace_id == workspace_id)
        .order_by(QuarantinedSpan.created_at.desc(), QuarantinedSpan.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [Quarantined(*row) for row in session.execute(listed)]


def count_quarantined(session: Session, workspace_id: str, since: datetime | None = None) -> int:
    """How many there are, or have come since."""
    counted = select(func.count()).where(QuarantinedSpan.workspace_id == workspace_id)
    if since:
        counted = counted.where(QuarantinedSpan.created_at >= since)
    return session.scalars(counted).one()


def find_quarantined(session: Session, workspace_id: str, span_id: str) -> QuarantinedSpan | None:
    """One with all that was kept of it; None where it is not of this workspace."""
    one = select(QuarantinedSpan).where(
        QuarantinedSpan.workspace_id == workspace_id, QuarantinedSpan.id == span_id
    )
    return session.scalars(one).one_or_none()
