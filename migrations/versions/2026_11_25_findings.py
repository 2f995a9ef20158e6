"""keep what an evaluation found.

Lists show the sentence of each evaluation without working out its statistics again. Empty: worked out when next read.
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


def downgrade() -> None:
    op.drop_column("evaluation", "finding")
