"""Users and groups of provisioning services (SCIM)."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "xrm_scim_user",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("external_id", String),
        sa.Column("attributes", String, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("gone_at", Instant),
        sa.PrimaryKeyConstraint("user_id", name="pk_xrm_scim_user"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_scim_user_external_id", "xrm_scim_user", ["external_id"])
    op.create_table(
        "xrm_scim_group",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", String, nullable=False),
        sa.Column("folded", String, nullable=False),
        sa.Column("external_id", String),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_scim_group"),
        sa.UniqueConstraint("folded", name="uq_xrm_scim_group_folded"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_scim_member",
        sa.Column("group_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_xrm_scim_member"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_scim_member_user_id", "xrm_scim_member", ["user_id"])
    op.create_table(
        "xrm_scim_role",
        sa.Column("folded", String, nullable=False),
        sa.Column("role", String, nullable=False),
        sa.PrimaryKeyConstraint("folded", "role", name="pk_xrm_scim_role"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("xrm_scim_user", "xrm_scim_group", "xrm_scim_member", "xrm_scim_role"):
        op.drop_table(name)
