"""Whether the server judges by an evaluator of an evaluation, or its caller sends the judgments."""

import sqlalchemy as sa
from alembic import op

revision = "5b2e9d07a4c8"
down_revision = "d2a86f17c05e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "evaluation_evaluator", sa.Column("orchestrated", sa.Boolean(), server_default="true", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("evaluation_evaluator", "orchestrated")
