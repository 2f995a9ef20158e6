"""when an address was first proven by single sign-on."""

import sqlalchemy as sa
from alembic import op

revision = "5b1e8c02f7da"
down_revision = "d27f4a9c1b63"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("address_proven_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("user_account", "address_proven_at")
