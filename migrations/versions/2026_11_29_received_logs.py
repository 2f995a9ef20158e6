"""When a log was received, by our clock: what its sender says of its time may be wrong."""

import sqlalchemy as sa
from alembic import op

revision = "c4f81d6a20e7"
down_revision = "a07c3e5b9d14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Postgres takes the moment once and notes it beside the table: no row is written, however many there are.
    received = sa.Column(
        "received_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
    )
    op.add_column("log", received)


def downgrade() -> None:
    op.drop_column("log", "received_at")
