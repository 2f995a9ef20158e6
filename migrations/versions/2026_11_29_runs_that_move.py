"""Say since when a run is part of the evaluation that it moved to, and that somebody wants it to end.

No row is read or written: the columns are empty, and are taken for what was so before.
"""

import sqlalchemy as sa
from alembic import op

revision = "e7a3915c0d62"
down_revision = "c4d81f6a2e39"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("run", sa.Column("end_requested_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("run", "end_requested_at")
    op.drop_column("run", "joined_at")
