"""Queues of outputs that people judge."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5c1e8b73d9a4"
down_revision = "e7a3915c0d62"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review_queue",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("evaluation_id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("per_item", sa.Integer(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("shows_target", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("created_by_name", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("rows in ('all', 'changed', 'worse', 'random', 'uncertain')", "rows"),
        sa.CheckConstraint("per_item >= 1", "per_item"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_review_queue_workspace_id_created_at"), "review_queue", ["workspace_id", "created_at"]
    )
    op.create_index(op.f("ix_review_queue_evaluation_id"), "review_queue", ["evaluation_id"])
    op.create_table(
        "review_evaluator",
        sa.Column("queue_id", sa.Text(), nullable=False),
        sa.Column("evaluator_version_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["review_queue.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["evaluator_version_id"], ["version.id"], deferrable=True, initially="DEFERRED"
        ),
        sa.PrimaryKeyConstraint("queue_id", "evaluator_version_id"),
    )
    op.create_table(
        "review_item",
        sa.Column("queue_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["queue_id"], ["review_queue.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["log_id"], ["log.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("queue_id", "position"),
        sa.UniqueConstraint("queue_id", "log_id"),
    )
    op.create_index(op.f("ix_review_item_log_id"), "review_item", ["log_id"])
    op.create_table(
        "review_task",
        sa.Column("queue_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("draft", postgresql.JSONB(none_as_null=True)),
        sa.ForeignKeyConstraint(
            ["queue_id", "position"], ["review_item.queue_id", "review_item.position"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("queue_id", "position", "user_id"),
        sa.UniqueConstraint("queue_id", "user_id", "place"),
    )
    op.create_index(
        op.f("ix_review_task_workspace_id_user_id_answered_at"),
        "review_task",
        ["workspace_id", "user_id", "answered_at"],
    )


def downgrade() -> None:
    for table in ("review_task", "review_item", "review_evaluator", "review_queue"):
        op.drop_table(table)
