"""the request that started a run."""

import sqlalchemy as sa
from alembic import op

revision = "7c1e5ab8d2f4"
down_revision = "f07b3c52d9a8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("request_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("run", "request_id")
