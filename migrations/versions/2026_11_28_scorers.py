"""Who works out the scores of a run does it alone."""

import sqlalchemy as sa
from alembic import op

revision = "5c1d83f0ab94"
down_revision = "b3d0f6a7c815"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("scoring_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("run", "scoring_until")
