"""What the template of a logged call included.

Revision ID: d2f60b8a417c
Revises: b5d18c3e60fa
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d2f60b8a417c"
down_revision = "b5d18c3e60fa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("log", sa.Column("included", postgresql.JSONB(none_as_null=True)), if_not_exists=True)


def downgrade() -> None:
    op.drop_column("log", "included", if_exists=True)
