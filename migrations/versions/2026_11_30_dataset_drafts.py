"""Drafts of datasets: the rows that somebody changes and has not committed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b3e91d5a7c20"
down_revision = "b3e9a1d47c52"
branch_labels = None
depends_on = None


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "dataset_draft",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("base_number", sa.Integer(), nullable=False),
        _moment("began_at"),
        _moment("saved_at"),
        sa.Column("discarded_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_dataset_draft_workspace_id_user_id_file_id"),
        "dataset_draft",
        ["workspace_id", "user_id", "file_id"],
        unique=True,
        postgresql_where=sa.text("discarded_at is null"),
    )
    op.create_index(op.f("ix_dataset_draft_file_id"), "dataset_draft", ["file_id"])
    op.create_table(
        "dataset_draft_change",
        sa.Column("draft_id", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer()),
        sa.Column("content", postgresql.JSONB(none_as_null=True)),
        sa.Column("content_hash", sa.Text()),
        sa.Column("content_id", sa.Text()),
        sa.Column("split", sa.Text()),
        sa.Column("removed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("clash", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["dataset_draft.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("draft_id", "row_id"),
    )


def downgrade() -> None:
    for table in ("dataset_draft_change", "dataset_draft"):
        op.drop_table(table)
