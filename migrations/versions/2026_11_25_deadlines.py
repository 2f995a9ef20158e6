"""How long a call of a provider may take."""

import sqlalchemy as sa
from alembic import op

revision = "b81d6f20c4e7"
down_revision = "4f6b2e90d7c3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider", sa.Column("deadline_s", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_provider_deadline_s"), "provider", "deadline_s between 1 and 600")


def downgrade() -> None:
    op.drop_column("provider", "deadline_s")  # its check goes with it
