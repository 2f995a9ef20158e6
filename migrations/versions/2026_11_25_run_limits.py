"""How many calls at once a run may ask for."""

import sqlalchemy as sa
from alembic import op

revision = "d27f4a9c1b63"
down_revision = "b81d6f20c4e7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_limits",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("most_concurrency", sa.Integer(), nullable=False),
        sa.CheckConstraint("most_concurrency between 1 and 500", name=op.f("ck_run_limits_most_concurrency")),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_run_limits_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_run_limits")),
    )


def downgrade() -> None:
    op.drop_table("run_limits")
