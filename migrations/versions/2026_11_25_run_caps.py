"""caps of runs, what they spent, and the last calls of a version."""

import sqlalchemy as sa
from alembic import op

revision = "e8b2466f0c1d"
down_revision = "c3d95b1e7a40"
branch_labels = None
depends_on = None

USD = sa.Numeric(18, 10)


def upgrade() -> None:
    op.add_column("run", sa.Column("max_cost_usd", USD, nullable=True))
    op.add_column("run", sa.Column("max_calls", sa.Integer(), nullable=True))
    op.add_column("run", sa.Column("spent_usd", USD, server_default="0", nullable=False))
    op.add_column("run", sa.Column("calls_count", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_log_version_id_id"), "log", ["version_id", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_log_version_id_id"), "log")
    for name in ("calls_count", "spent_usd", "max_calls", "max_cost_usd"):
        op.drop_column("run", name)
