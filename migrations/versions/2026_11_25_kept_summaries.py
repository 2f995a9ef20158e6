"""keep what an evaluation found, and what a dataset version's rows come to.

Pages then work out neither again. Empty: worked out and kept when it is next read.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a1f4c07d92e5"
down_revision = "dbd1b6591cbf"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluation", sa.Column("finding", postgresql.JSONB(), nullable=True))
    op.add_column("version", sa.Column("summary", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("version", "summary")
    op.drop_column("evaluation", "finding")
