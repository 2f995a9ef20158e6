"""Spans that could not be read as logs."""

import sqlalchemy as sa
from alembic import op

revision = "b3d0f6a7c815"
down_revision = "3b7e90d4c1f8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quarantined_span",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("key_id", sa.Text()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("workspace_id", "created_at"):
        op.create_index(op.f(f"ix_quarantined_span_{column}"), "quarantined_span", [column])


def downgrade() -> None:
    op.drop_table("quarantined_span")
