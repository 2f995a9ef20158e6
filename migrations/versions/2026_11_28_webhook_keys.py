"""Which signing key of its webhooks a workspace has."""

import sqlalchemy as sa
from alembic import op

revision = "9d4b7e20c6a3"
down_revision = "c40d7be19f62"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspace", sa.Column("webhook_key", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    op.drop_column("workspace", "webhook_key")
