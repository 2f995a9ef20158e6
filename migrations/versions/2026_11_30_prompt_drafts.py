"""Drafts of prompts, and what they said before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "8f2d60b4c7e1"
down_revision = "5c1e8b73d9a4"
branch_labels = None
depends_on = None


def _shared() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text()),
        sa.Column("base_number", sa.Integer(), nullable=False),
        sa.Column("tab", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=False),
    ]


def _keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    ]


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "prompt_draft",
        *_shared(),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False),
        _moment("began_at"),
        _moment("saved_at"),
        *_keys(),
        sa.UniqueConstraint(
            "workspace_id", "user_id", "file_id", "base_number", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index(op.f("ix_prompt_draft_file_id_saved_at"), "prompt_draft", ["file_id", "saved_at"])
    op.create_table(
        "prompt_draft_state",
        *_shared(),
        _moment("at"),
        sa.Column(
            "added_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        *_keys(),
    )
    op.create_index(
        op.f("ix_prompt_draft_state_workspace_id_user_id_file_id_at"),
        "prompt_draft_state",
        ["workspace_id", "user_id", "file_id", "at"],
    )
    op.create_index(op.f("ix_prompt_draft_state_file_id"), "prompt_draft_state", ["file_id"])


def downgrade() -> None:
    for table in ("prompt_draft_state", "prompt_draft"):
        op.drop_table(table)
