"""What people said is found among the judgments without reading those of machines."""

import sqlalchemy as sa
from alembic import op

revision = "b37f0c95d2a4"
down_revision = "8f2d60b4c7e1"
branch_labels = None
depends_on = None

_NAME = "ix_judgment_evaluator_version_id_log_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():  # judgments go on being written meanwhile
        op.create_index(
            op.f(_NAME),
            "judgment",
            ["evaluator_version_id", "log_id"],
            postgresql_where=sa.text("author <> ''"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f(_NAME), "judgment", postgresql_concurrently=True, if_exists=True)
