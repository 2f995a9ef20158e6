"""what a program of the user's printed, and what ran it."""

import sqlalchemy as sa
from alembic import op

revision = "c40d7be19f62"
down_revision = "5b1e8c02f7da"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("judgment", sa.Column("stdout", sa.Text(), nullable=True))
    op.add_column("judgment", sa.Column("engine", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("judgment", "engine")
    op.drop_column("judgment", "stdout")
