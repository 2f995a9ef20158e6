"""invitations, password resets, throttles, single sign-on, named approvers, and where an audited act came from."""

import sqlalchemy as sa
from alembic import op

revision = "c3e8a95b7d10"
down_revision = "5d20f7b8c913"
branch_labels = None
depends_on = None

_ROLES = "role in ('admin', 'developer', 'member', 'reviewer', 'viewer', 'guest')"
_AUDIT_INDEXES = (
    ["workspace_id", "at", "id"],
    ["workspace_id", "actor_id", "at"],
    ["workspace_id", "action", "at"],
)


def upgrade() -> None:
    op.add_column("user_account", sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user_account", sa.Column("signed_in_by", sa.Text(), nullable=True))
    op.add_column("one_time_token", sa.Column("purpose", sa.Text(), server_default="sign_in", nullable=False))
    op.execute("update one_time_token set purpose = 'set_up' where user_id is null")
    op.add_column("audit_entry", sa.Column("address", sa.Text(), nullable=True))
    op.drop_index(op.f("ix_audit_entry_workspace_id_id"), table_name="audit_entry")
    for columns in _AUDIT_INDEXES:
        op.create_index(op.f(f"ix_audit_entry_{'_'.join(columns)}"), "audit_entry", columns)
    op.create_table(
        "invitation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=True),
        sa.Column("invited_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(_ROLES, name=op.f("ck_invitation_role")),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["user_account.id"],
            name=op.f("fk_invitation_invited_by_user_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_invitation_workspace_id_workspace"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_invited_by"), "invitation", ["invited_by"])
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["workspace_id", "email"],
        unique=True,
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttle")),
    )
    op.create_index(op.f("ix_throttle_since"), "throttle", ["since"])
    op.create_table(
        "sign_in_flow",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("next", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sign_in_flow")),
    )
    op.create_table(
        "environment_approver",
        sa.Column("environment_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_environment_approver_environment_id_environment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["membership.workspace_id", "membership.user_id"],
            name=op.f("fk_environment_approver_workspace_id_user_id_membership"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("environment_id", "user_id", name=op.f("pk_environment_approver")),
    )
    op.create_index(
        op.f("ix_environment_approver_workspace_id_user_id"),
        "environment_approver",
        ["workspace_id", "user_id"],
    )


def downgrade() -> None:
    for table in ("environment_approver", "sign_in_flow", "throttle", "invitation"):
        op.drop_table(table)
    for columns in _AUDIT_INDEXES:
        op.drop_index(op.f(f"ix_audit_entry_{'_'.join(columns)}"), table_name="audit_entry")
    op.create_index(op.f("ix_audit_entry_workspace_id_id"), "audit_entry", ["workspace_id", "id"])
    op.drop_column("audit_entry", "address")
    op.drop_column("one_time_token", "purpose")
    op.drop_column("user_account", "signed_in_by")
    op.drop_column("user_account", "last_seen_at")
