"""Rows that are pinned beside a prompt."""

import sqlalchemy as sa
from alembic import op

revision = "d47f0a92be15"
down_revision = "b3e91d5a7c20"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pinned_row",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("datapoint_id", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column(
            "pinned_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["datapoint_id"], ["datapoint.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["dataset_id"], ["file.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "datapoint_id"),
    )
    op.create_index(op.f("ix_pinned_row_datapoint_id"), "pinned_row", ["datapoint_id"])
    op.create_index(op.f("ix_pinned_row_dataset_id"), "pinned_row", ["dataset_id"])


def downgrade() -> None:
    op.drop_table("pinned_row")
