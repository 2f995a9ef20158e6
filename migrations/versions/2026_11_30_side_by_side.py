"""Review queues that show the outputs of two versions side by side."""

import sqlalchemy as sa
from alembic import op

revision = "d5a8c27e9b14"
down_revision = "c4e7d19a5b83"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_queue", sa.Column("candidate", sa.Text()))
    op.add_column("review_queue", sa.Column("baseline", sa.Text()))
    op.add_column("review_queue", sa.Column("equal_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column("review_item", sa.Column("other_log_id", sa.Text()))
    op.create_foreign_key(
        op.f("fk_review_item_other_log_id_log"),
        "review_item",
        "log",
        ["other_log_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index(op.f("ix_review_item_other_log_id"), "review_item", ["other_log_id"])


def downgrade() -> None:
    # The older program would ask about one output by itself: what was said of two is then no answer to that.
    op.execute("delete from review_queue where baseline is not null")
    op.drop_index(op.f("ix_review_item_other_log_id"), "review_item")
    op.drop_constraint(op.f("fk_review_item_other_log_id_log"), "review_item", type_="foreignkey")
    op.drop_column("review_item", "other_log_id")
    op.drop_column("review_queue", "equal_count")
    op.drop_column("review_queue", "baseline")
    op.drop_column("review_queue", "candidate")
