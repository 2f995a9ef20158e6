"""Queues of logs, and how many outputs were sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a91c4e60b7d2"
down_revision = "a1d4c86f0b37"
branch_labels = None
depends_on = None

_OF_EVALUATIONS = "rows in ('all', 'changed', 'worse', 'random', 'uncertain')"
_OF_LOGS = "rows in ('all', 'changed', 'worse', 'random', 'uncertain', 'chosen', 'newest')"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_review_queue_rows"), "review_queue", type_="check")
    op.create_check_constraint(op.f("ck_review_queue_rows"), "review_queue", _OF_LOGS)
    op.add_column("review_queue", sa.Column("filters", postgresql.JSONB(none_as_null=True)))
    op.add_column("review_queue", sa.Column("sent", sa.Integer(), nullable=False, server_default="0"))
    op.execute("""
        update review_queue q set sent = (select count(*) from review_item i where i.queue_id = q.id)
    """)


def downgrade() -> None:
    # What the older program cannot read is taken for rows of an evaluation that is gone.
    op.execute("update review_queue set rows = 'all' where rows in ('chosen', 'newest')")
    op.drop_column("review_queue", "sent")
    op.drop_column("review_queue", "filters")
    op.drop_constraint(op.f("ck_review_queue_rows"), "review_queue", type_="check")
    op.create_check_constraint(op.f("ck_review_queue_rows"), "review_queue", _OF_EVALUATIONS)
