"""Guest reviewers, who come in by a link, and queues of which nobody else is asked."""

import sqlalchemy as sa
from alembic import op

revision = "c4e7d19a5b83"
down_revision = "b7d2f8a4c613"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review_guest",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["queue_id"], ["review_queue.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("queue_id", "number"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(op.f("ix_review_guest_workspace_id"), "review_guest", ["workspace_id"])
    op.create_table(
        "review_guest_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("guest_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["guest_id"], ["review_guest.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(op.f("ix_review_guest_session_guest_id"), "review_guest_session", ["guest_id"])
    op.drop_constraint(op.f("ck_review_queue_per_item"), "review_queue", type_="check")
    op.create_check_constraint(op.f("ck_review_queue_per_item"), "review_queue", "per_item >= 0")


def downgrade() -> None:
    op.execute("update review_queue set per_item = 1 where per_item = 0")
    op.drop_constraint(op.f("ck_review_queue_per_item"), "review_queue", type_="check")
    op.create_check_constraint(op.f("ck_review_queue_per_item"), "review_queue", "per_item >= 1")
    op.drop_table("review_guest_session")
    op.drop_table("review_guest")
