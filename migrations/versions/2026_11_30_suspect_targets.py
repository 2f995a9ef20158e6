"""Rows of datasets whose targets several versions speak against."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a1d4c86f0b37"
down_revision = "d47f0a92be15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suspect_target",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("datapoint_id", sa.Text(), nullable=False),
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("version_ids", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "datapoint_id", name=op.f("pk_suspect_target")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_suspect_target_file_id_file"), ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table("suspect_target")
