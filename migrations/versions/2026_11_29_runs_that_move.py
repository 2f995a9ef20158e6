"""Say since when a run is part of the evaluation that it moved to, and that somebody wants it to end; and find a
row of a run by its datapoint.

No row is read or written for the columns: they are empty, and are taken for what was so before.
"""

import sqlalchemy as sa
from alembic import op

revision = "e7a3915c0d62"
down_revision = "c4d81f6a2e39"
branch_labels = None
depends_on = None


_NAME = "ix_run_item_run_id_datapoint_id"
_IS_BROKEN_OFF = sa.text("""
    select exists (
        select from pg_index where indrelid = 'run_item'::regclass and indexrelid = to_regclass(:name) and not indisvalid)
""")


def upgrade() -> None:
    # First, for it ends the transaction: broken off here, nothing is there that a second try would stumble over.
    with op.get_context().autocommit_block():  # results go on being written meanwhile
        if op.get_bind().scalar(_IS_BROKEN_OFF, {"name": _NAME}):
            op.drop_index(op.f(_NAME), "run_item", postgresql_concurrently=True, if_exists=True)
        op.create_index(
            op.f(_NAME),
            "run_item",
            ["run_id", "datapoint_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
    op.add_column("run", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("run", sa.Column("end_requested_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f(_NAME), "run_item", postgresql_concurrently=True, if_exists=True)
    op.drop_column("run", "end_requested_at")
    op.drop_column("run", "joined_at")
