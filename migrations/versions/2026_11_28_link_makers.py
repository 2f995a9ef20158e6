"""Which admin made a link for somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "4be07a91d3c8"
down_revision = "1f7c4de82b96"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("one_time_token", sa.Column("made_by", sa.Text(), nullable=True))
    op.create_index(op.f("ix_one_time_token_made_by"), "one_time_token", ["made_by"])
    op.create_foreign_key(
        op.f("fk_one_time_token_made_by_user_account"),
        "one_time_token", "user_account", ["made_by"], ["id"], ondelete="CASCADE",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("one_time_token", "made_by")
