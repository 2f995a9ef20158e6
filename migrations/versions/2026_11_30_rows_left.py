"""Rows that a run left because it was clear stay left while it is opened again for others."""

import sqlalchemy as sa
from alembic import op

revision = "b7d2f8a4c613"
down_revision = "e1c8b5f27a40"
branch_labels = None
depends_on = None


def _allow(states: str) -> None:
    """Without reading the table, which may be large: the rows that are there keep to it."""
    op.execute(f"""
        alter table run_item drop constraint ck_run_item_state,
            add constraint ck_run_item_state check (state in ({states})) not valid
    """)


def upgrade() -> None:
    op.add_column("run", sa.Column("left_count", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "run", sa.Column("left_reused_count", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("run", sa.Column("left_at", sa.DateTime(timezone=True)))
    _allow("'pending', 'done', 'left'")
    op.execute("""
        with stopped as (
            select i.run_id, count(*) as items, count(*) filter (where i.reused) as reused
            from run r join run_item i on i.run_id = r.id and i.state = 'pending'
            where r.clear_after is not null and r.status = 'completed' group by 1
        )
        update run set left_count = stopped.items, left_reused_count = stopped.reused, left_at = finished_at
        from stopped where run.id = stopped.run_id
    """)


def downgrade() -> None:
    op.execute("update run_item set state = 'pending' where state = 'left'")
    _allow("'pending', 'done'")
    op.drop_column("run", "left_at")
    op.drop_column("run", "left_reused_count")
    op.drop_column("run", "left_count")
