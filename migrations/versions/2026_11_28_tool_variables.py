"""Secrets that tools are given."""

import sqlalchemy as sa
from alembic import op

revision = "e61a9c3d75b0"
down_revision = "5c1d83f0ab94"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tool_variable",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("sealed_value", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_tool_variable_file_id_file"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_tool_variable_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", "name", name=op.f("pk_tool_variable")),
    )
    op.create_index(op.f("ix_tool_variable_workspace_id"), "tool_variable", ["workspace_id"])


def downgrade() -> None:
    op.drop_table("tool_variable")
