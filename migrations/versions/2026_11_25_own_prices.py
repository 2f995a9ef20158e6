"""own prices of models."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "17c0a9d4b6ef"
down_revision = "e8b2466f0c1d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider", sa.Column("prices", postgresql.JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("provider", "prices")
