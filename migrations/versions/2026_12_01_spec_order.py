"""Versions keep the order in which they were written: models answer in the order of a schema's properties."""

from alembic import op

revision = "e1b85d27f3a4"
down_revision = "c4f7a1d92b60"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table version alter column spec type json using spec::json")


def downgrade() -> None:
    op.execute("alter table version alter column spec type jsonb using spec::jsonb")
