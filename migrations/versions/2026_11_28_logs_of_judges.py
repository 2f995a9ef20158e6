"""The calls that judges made about a log are found by it."""

import sqlalchemy as sa
from alembic import op

revision = "d2a86f17c05e"
down_revision = "4be07a91d3c8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():  # logs go on being written meanwhile
        op.create_index(
            op.f("ix_log_parent_id"),
            "log",
            ["parent_id"],
            postgresql_where=sa.text("source = 'judge'"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f("ix_log_parent_id"), "log", postgresql_concurrently=True, if_exists=True)
