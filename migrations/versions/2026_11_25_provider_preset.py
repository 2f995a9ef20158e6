"""remember which provider was chosen from the list."""

import sqlalchemy as sa
from alembic import op

revision = "c3d95b1e7a40"
down_revision = "a1f4c07d92e5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider", sa.Column("preset", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("provider", "preset")
