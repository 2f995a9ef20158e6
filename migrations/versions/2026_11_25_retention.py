"""how long a workspace keeps its logs, and the walk that applies it."""

import sqlalchemy as sa
from alembic import op

revision = "b83d0c6f41ea"
down_revision = "7c1e5ab8d2f4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("log", sa.Column("payload_cleared_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "retention",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("payload_days", sa.Integer(), nullable=True),
        sa.Column("log_days", sa.Integer(), nullable=True),
        sa.Column("cleared", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deleted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_retention_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_retention")),
    )
    op.create_table(
        "retention_walk",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_walk")),
    )


def downgrade() -> None:
    op.drop_table("retention_walk")
    op.drop_table("retention")
    op.drop_column("log", "payload_cleared_at")
