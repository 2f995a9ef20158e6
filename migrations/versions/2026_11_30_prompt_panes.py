"""What a person runs beside a prompt, without a draft of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b5d18c3e60fa"
down_revision = "e7b30d52c9f4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prompt_panes",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("beside", sa.Boolean(), nullable=False),
        sa.Column("panes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            name=op.f("fk_prompt_panes_workspace_id_user_id_membership"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["file.id"], name=op.f("fk_prompt_panes_file_id_file"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", "file_id", name=op.f("pk_prompt_panes")),
    )
    op.create_index(op.f("ix_prompt_panes_file_id"), "prompt_panes", ["file_id"])


def downgrade() -> None:
    op.drop_table("prompt_panes")
