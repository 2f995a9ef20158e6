"""what was spent by day, and budgets."""

import sqlalchemy as sa
from alembic import op

revision = "5d20f7b8c913"
down_revision = "17c0a9d4b6ef"
branch_labels = None
depends_on = None

USD = sa.Numeric(18, 10)


def upgrade() -> None:
    op.create_table(
        "spend_day",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("usd", USD, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_spend_day_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "day", "file_id", "model", name=op.f("pk_spend_day")),
    )
    op.create_table(
        "budget",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("monthly_usd", USD, nullable=False),
        sa.Column("warn_usd", USD, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_budget_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_budget")),
    )
    op.execute("""
        insert into spend_day (workspace_id, day, file_id, model, calls, failed, usd)
        select workspace_id, (created_at at time zone 'UTC')::date, file_id, coalesce(model, ''),
               sum(attempts), count(*) filter (where error is not null),
               sum(coalesce(prompt_cost, 0) + coalesce(output_cost, 0))
        from log where attempts > 0 group by 1, 2, 3, 4
    """)


def downgrade() -> None:
    op.drop_table("budget")
    op.drop_table("spend_day")
