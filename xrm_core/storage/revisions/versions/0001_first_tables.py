"""The applied models, the users' roles and the API tokens."""

import sqlalchemy as sa
from alembic import op

from xrm_core.storage.columns import Id, Instant, String

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "xrm_model",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("fingerprint", String, nullable=False),
        sa.Column("snapshot", String, nullable=False),
        sa.Column("operations", String, nullable=False),
        sa.Column("applied_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_model"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_user_role",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("role", String, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role", name="pk_xrm_user_role"),
        sqlite_strict=True,
    )
    op.create_table(
        "xrm_token",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", String, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("label", String, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant),
        sa.Column("revoked_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_xrm_token"),
        sa.UniqueConstraint("token_hash", name="uq_xrm_token_token_hash"),
        sqlite_strict=True,
    )
    op.create_index("ix_xrm_token_user_id", "xrm_token", ["user_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("xrm_token", "xrm_user_role", "xrm_model"):
        op.drop_table(table)
