"""Let runs be without a dataset, and without a version.

Both only take a condition away: no row is read, let alone written.
"""

import sqlalchemy as sa
from alembic import op

revision = "c4d81f6a2e39"
down_revision = "a07c3e5b9d14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("run", "version_id", nullable=True)
    op.alter_column("run", "dataset_version_id", nullable=True)


def downgrade() -> None:
    # What these runs are cannot be said in the older tables. Their logs stay, with every judgment.
    op.execute(sa.text("delete from run where version_id is null or dataset_version_id is null"))
    op.alter_column("run", "dataset_version_id", nullable=False)
    op.alter_column("run", "version_id", nullable=False)
