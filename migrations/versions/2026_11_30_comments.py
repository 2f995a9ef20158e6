"""Comments on versions, rows and logs, and whom they mention."""

import sqlalchemy as sa
from alembic import op

revision = "5e8c3a71d0f4"
down_revision = "a91c4e60b7d2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("now()")
    op.create_table(
        "comment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=True),
        sa.Column("datapoint_id", sa.Text(), nullable=True),
        sa.Column("log_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(version_id, datapoint_id, log_id) = 1", name=op.f("ck_comment_one_subject")
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["datapoint_id"], ["datapoint.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["log_id"], ["log.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_comment_workspace_id"), "comment", ["workspace_id"])
    for column in ("version_id", "datapoint_id", "log_id"):
        op.create_index(
            op.f(f"ix_comment_{column}_created_at_id"),
            "comment",
            [column, "created_at", "id"],
            postgresql_where=sa.text(f"{column} is not null"),
        )
    op.create_table(
        "mention",
        sa.Column("comment_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("comment_id", "user_id"),
    )
    op.create_index(
        op.f("ix_mention_workspace_id_user_id_created_at_comment_id"),
        "mention",
        ["workspace_id", "user_id", "created_at", "comment_id"],
    )
    op.create_index(
        "ix_mention_unread",
        "mention",
        ["workspace_id", "user_id"],
        postgresql_where=sa.text("read_at is null"),
    )


def downgrade() -> None:
    op.drop_table("mention")
    op.drop_table("comment")
