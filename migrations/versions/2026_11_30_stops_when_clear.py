"""Evaluations that stop as soon as it is clear."""

import sqlalchemy as sa
from alembic import op

revision = "e1c8b5f27a40"
down_revision = "5e8c3a71d0f4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "evaluation",
        sa.Column("stops_when_clear", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("run", sa.Column("stops_by", sa.Text()))
    op.add_column("run", sa.Column("comparisons", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("run", sa.Column("clear_after", sa.Integer()))


def downgrade() -> None:
    for column in ("clear_after", "comparisons", "stops_by"):
        op.drop_column("run", column)
    op.drop_column("evaluation", "stops_when_clear")
