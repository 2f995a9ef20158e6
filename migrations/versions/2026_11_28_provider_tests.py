"""the last test of a provider, and what each provider cost."""

import sqlalchemy as sa
from alembic import op

revision = "8e4b61d09f3c"
down_revision = "7d1c52aa90e4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider", sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("provider", sa.Column("test_ms", sa.Integer(), nullable=True))
    op.add_column("provider", sa.Column("test_error", sa.Text(), nullable=True))
    op.add_column("spend_day", sa.Column("provider", sa.Text(), nullable=False, server_default=""))
    op.drop_constraint(op.f("pk_spend_day"), "spend_day", type_="primary")
    columns = ["workspace_id", "day", "file_id", "model", "provider"]
    op.create_primary_key(op.f("pk_spend_day"), "spend_day", columns)


def downgrade() -> None:
    op.drop_constraint(op.f("pk_spend_day"), "spend_day", type_="primary")
    op.execute("""
        with taken as (delete from spend_day returning *)
        insert into spend_day (workspace_id, day, file_id, model, provider, calls, failed, usd)
        select workspace_id, day, file_id, model, '', sum(calls), sum(failed), sum(usd)
        from taken group by 1, 2, 3, 4
    """)
    op.drop_column("spend_day", "provider")
    op.create_primary_key(op.f("pk_spend_day"), "spend_day", ["workspace_id", "day", "file_id", "model"])
    for column in ("test_error", "test_ms", "tested_at"):
        op.drop_column("provider", column)
