"""Who sent a log."""

import sqlalchemy as sa
from alembic import op

revision = "1f7c4de82b96"
down_revision = "e61a9c3d75b0"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("log", sa.Column("created_by", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("log", "created_by")
