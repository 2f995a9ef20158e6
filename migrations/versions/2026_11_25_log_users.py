"""Find the logs of an end user."""

import sqlalchemy as sa
from alembic import op

revision = "4f6b2e90d7c3"
down_revision = "e2d94c7a05b1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():  # logs go on being written meanwhile
        op.create_index(
            op.f("ix_log_workspace_id_user"),
            "log",
            ["workspace_id", "user"],
            postgresql_where=sa.text('"user" is not null'),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f("ix_log_workspace_id_user"), "log", postgresql_concurrently=True, if_exists=True)
